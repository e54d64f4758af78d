const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/\baerostack-cli\//i, "Aerostack CLI"],
  [/\bEdg(?:A|iOS)?\//, "Edge"],
  [/\bOPR\//, "Opera"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:Chrome|CriOS|Chromium)\//, "Chrome"],
  [/\bVersion\/[\d.]+ .*\bSafari\//, "Safari"],
  [/^curl\//, "curl"],
];
const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\b(?:iPhone|iPad|iPod)\b/, "iOS"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
];

/** A program as a person would call it, such as `Firefox on Linux`: its kind, not what would tell it from others of it. */
export function deviceName(userAgent: string | null): string {
  const find = (list: typeof BROWSERS) => list.find(([form]) => form.test(userAgent ?? ""))?.[1];
  const browser = find(BROWSERS) ?? "An unknown program";
  const system = find(SYSTEMS);
  return system === undefined ? browser : `${browser} on ${system}`;
}
