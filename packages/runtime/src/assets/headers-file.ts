import { fillPattern, type PathPattern, parsePathPattern } from "./path-pattern.ts";

/** One block of a `_headers` file (https://developers.cloudflare.com/workers/static-assets/headers/). */
export interface HeaderRule {
  readonly pattern: PathPattern;
  readonly set: readonly { readonly name: string; readonly value: string }[];
  /** Lower-case names of headers that an earlier rule or the platform set and this one takes away. */
  readonly unset: readonly string[];
}

export interface ParsedFile<Rule> {
  readonly rules: readonly Rule[];
  /** What is wrong, with line numbers, for the author. */
  readonly problems: readonly string[];
}

const MAX_RULES = 100;
const MAX_LINE_LENGTH = 2000;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what a header value must not hold (RFC 9110, section 5.5)
const BAD_VALUE = /[\u0000-\u0008\u000a-\u001f\u007f]|[^\u0000-\u00ff]/;
const BAD_VALUES = new RegExp(BAD_VALUE, "g");

export function parseHeadersFile(text: string): ParsedFile<HeaderRule> {
  const rules: { pattern: PathPattern; set: { name: string; value: string }[]; unset: string[] }[] = [];
  const problems: string[] = [];
  let current: (typeof rules)[number] | undefined;
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.trim();
    const where = `_headers, line ${index + 1}`;
    if (line === "" || line.startsWith("#")) return;
    if (line.length > MAX_LINE_LENGTH) {
      problems.push(`${where}: longer than ${MAX_LINE_LENGTH} characters.`);
    } else if (/^(?:\/|https?:\/\/)/i.test(line)) {
      const pattern = parsePathPattern(line);
      current = undefined;
      if (pattern === null) problems.push(`${where}: '${line}' is not a path pattern.`);
      else if (rules.length >= MAX_RULES) problems.push(`${where}: more than ${MAX_RULES} rules.`);
      else {
        current = { pattern, set: [], unset: [] };
        rules.push(current);
      }
    } else if (current === undefined) {
      problems.push(`${where}: a header without a path above it.`);
    } else {
      addHeader(line, current, where, problems);
    }
  });
  return { rules, problems };
}

function addHeader(
  line: string,
  rule: { set: { name: string; value: string }[]; unset: string[] },
  where: string,
  problems: string[],
): void {
  if (line.startsWith("!")) {
    const name = line.slice(1).trim();
    if (HEADER_NAME.test(name)) rule.unset.push(name.toLowerCase());
    else problems.push(`${where}: '${name}' is not a header name.`);
    return;
  }
  const colon = line.indexOf(":");
  const name = line.slice(0, colon).trim();
  const value = line.slice(colon + 1).trim();
  if (colon === -1 || !HEADER_NAME.test(name)) problems.push(`${where}: expected 'Name: value'.`);
  else if (BAD_VALUE.test(value)) problems.push(`${where}: the value holds characters that a header must not.`);
  else rule.set.push({ name, value });
}

/** Adds what the rules say of a path; a header that several rules set gets their values, separated by commas. */
export function applyHeaderRules(
  rules: readonly HeaderRule[],
  path: string,
  host: string,
  headers: Record<string, string>,
): void {
  const added = new Set<string>();
  for (const { pattern, set, unset } of rules) {
    const values = pattern.match(path, host);
    if (values === null) continue;
    for (const name of unset) {
      delete headers[name];
      added.delete(name);
    }
    for (const { name, value } of set) {
      const key = name.toLowerCase();
      const filled = fillPattern(value, values).replaceAll(BAD_VALUES, "");
      headers[key] = added.has(key) ? `${headers[key]}, ${filled}` : filled;
      added.add(key);
    }
  }
}
