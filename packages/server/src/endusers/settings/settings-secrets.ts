/** Paths of the settings that hold a credential: stored sealed, never shown. */
const SECRET_PATHS: readonly RegExp[] = [
  /^mail\.smtp\.password$/,
  /^mail\.resend\.apiKey$/,
  /^turnstile\.secretKey$/,
  /^sms\.twilio\.authToken$/,
  /^providers\.[a-z0-9-]+\.clientSecret$/,
];

export type SettingsSecrets = Readonly<Record<string, string>>;

export interface SplitPatch {
  /** The patch without its secrets. */
  readonly patch: Readonly<Record<string, unknown>>;
  /** By path; null removes it. */
  readonly secrets: Readonly<Record<string, string | null>>;
}

/** Takes the credentials out of a change of the settings. */
export function splitSecrets(patch: Readonly<Record<string, unknown>>): SplitPatch {
  const secrets: Record<string, string | null> = {};

  function withoutSecrets(value: unknown, path: string): unknown {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const kept: [string, unknown][] = [];
    for (const [name, part] of Object.entries(value)) {
      const inner = path === "" ? name : `${path}.${name}`;
      const isSecret = SECRET_PATHS.some((pattern) => pattern.test(inner));
      if (isSecret && (typeof part === "string" || part === null)) {
        secrets[inner] = part;
        continue;
      }
      const rest = withoutSecrets(part, inner);
      // A part that held nothing but secrets is no setting.
      if (isEmptyObject(part) || !isEmptyObject(rest)) kept.push([name, rest]);
    }
    return Object.fromEntries(kept);
  }

  return { patch: withoutSecrets(patch, "") as Record<string, unknown>, secrets };
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}

/** The secrets after a change; those whose part of the settings was removed go with it. */
export function changeSecrets(stored: SettingsSecrets, { patch, secrets }: SplitPatch): SettingsSecrets {
  const kept = Object.entries(stored).filter(([path]) => !isRemoved(patch, path.split(".")));
  const changed = { ...Object.fromEntries(kept), ...secrets };
  return Object.fromEntries(
    Object.entries(changed).filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== ""),
  );
}

function isRemoved(patch: unknown, [name, ...rest]: readonly string[]): boolean {
  if (patch === null) return true;
  if (typeof patch !== "object" || name === undefined || !Object.hasOwn(patch, name)) return false;
  return isRemoved((patch as Record<string, unknown>)[name], rest);
}
