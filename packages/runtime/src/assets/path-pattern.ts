/** A source path of `_headers` or `_redirects`: literal text, `:placeholder` segments and at most one `*` (splat). */
export interface PathPattern {
  /** The values of its placeholders and splat, or null when the path is another. */
  match(path: string, host: string): Readonly<Record<string, string>> | null;
  /** True when it holds neither placeholder nor splat. */
  readonly isStatic: boolean;
}

const PLACEHOLDER = /:([A-Za-z]\w*)/g;
const ORIGIN = /^https?:\/\/([^/]+)(\/.*)$/i;

/**
 * @returns null when the pattern is not a path, has more than one splat, or more than one of either in a segment: such a
 * pattern could be matched in very many ways, and it is the server that would try them
 */
export function parsePathPattern(source: string): PathPattern | null {
  const origin = ORIGIN.exec(source);
  const host = origin?.[1]?.toLowerCase();
  const path = origin?.[2] ?? source;
  if (!path.startsWith("/")) return null;
  const parts = path.split("*");
  if (parts.length > 2) return null;
  const wildcards = path
    .split("/")
    .map((segment) => (segment.match(PLACEHOLDER)?.length ?? 0) + segment.split("*").length - 1);
  if (wildcards.some((count) => count > 1)) return null;
  const names: string[] = [];
  const expression = parts
    .map((part) => {
      let text = "";
      let from = 0;
      for (const found of part.matchAll(PLACEHOLDER)) {
        text += `${RegExp.escape(part.slice(from, found.index))}([^/]+)`;
        names.push(found[1] ?? "");
        from = found.index + found[0].length;
      }
      return text + (from < part.length ? RegExp.escape(part.slice(from)) : "");
    })
    .join("(.*)");
  const splatAt = (parts[0] ?? "").match(PLACEHOLDER)?.length ?? 0;
  if (parts.length === 2) names.splice(splatAt, 0, "splat");
  const pattern = new RegExp(`^${expression}$`, "s");
  return {
    isStatic: names.length === 0,
    match(candidate, candidateHost) {
      if (host !== undefined && host !== candidateHost.toLowerCase()) return null;
      const found = pattern.exec(candidate);
      if (found === null) return null;
      return Object.fromEntries(names.map((name, index) => [name, found[index + 1] ?? ""]));
    },
  };
}

/** Puts the values of a match in the place of `:name` and `:splat`. */
export function fillPattern(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(PLACEHOLDER, (whole, name: string) =>
    Object.hasOwn(values, name) ? (values[name] ?? "") : whole,
  );
}
