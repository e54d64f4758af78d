import type { ParsedFile } from "./headers-file.ts";
import { fillPattern, type PathPattern, parsePathPattern } from "./path-pattern.ts";

/** One line of a `_redirects` file (https://developers.cloudflare.com/workers/static-assets/redirects/). */
export interface RedirectRule {
  readonly pattern: PathPattern;
  /** Path, or absolute http(s) URL; placeholders are filled in. */
  readonly target: string;
  /** 200 serves the target's file under the source's address. */
  readonly status: 200 | 301 | 302 | 303 | 307 | 308;
}

const MAX_STATIC_RULES = 2000;
const MAX_DYNAMIC_RULES = 100;
const MAX_LINE_LENGTH = 1000;
const STATUSES: ReadonlySet<number> = new Set([200, 301, 302, 303, 307, 308]);

export function parseRedirectsFile(text: string): ParsedFile<RedirectRule> {
  const rules: RedirectRule[] = [];
  const problems: string[] = [];
  let dynamic = 0;
  text.split(/\r?\n/).forEach((raw, index) => {
    const line = raw.replace(/(?:^|\s)#.*$/, "").trim();
    if (line === "") return;
    const [source = "", target = "", statusText = "302", extra] = line.split(/\s+/);
    const status = Number(statusText) as RedirectRule["status"];
    const pattern = parsePathPattern(source);
    const problem = problemOf(line, pattern, target, status, extra);
    const isDynamic = pattern !== null && !pattern.isStatic;
    if (problem !== null) {
      problems.push(`_redirects, line ${index + 1}: ${problem}`);
    } else if (isDynamic ? dynamic >= MAX_DYNAMIC_RULES : rules.length - dynamic >= MAX_STATIC_RULES) {
      problems.push(
        `_redirects, line ${index + 1}: more than ${MAX_STATIC_RULES} rules, or ${MAX_DYNAMIC_RULES} patterns.`,
      );
    } else if (pattern !== null) {
      if (isDynamic) dynamic++;
      rules.push({ pattern, target, status });
    }
  });
  return { rules, problems };
}

function problemOf(
  line: string,
  pattern: PathPattern | null,
  target: string,
  status: number,
  extra: string | undefined,
): string | null {
  if (line.length > MAX_LINE_LENGTH) return `longer than ${MAX_LINE_LENGTH} characters.`;
  if (extra !== undefined || target === "") return "expected 'source target [status]'.";
  if (pattern === null) return "the source is not a path pattern.";
  if (!STATUSES.has(status)) return "the status must be 200, 301, 302, 303, 307 or 308.";
  if (!/^(?:\/|https?:\/\/)/i.test(target)) return "the target must be a path or an http(s) URL.";
  if (status === 200 && !target.startsWith("/")) return "only paths of this site can be served with status 200.";
  return null;
}

export interface Redirect {
  readonly status: RedirectRule["status"];
  readonly location: string;
}

/** The first rule that fits. The query of the request goes along, unless the target has its own. */
export function findRedirect(
  rules: readonly RedirectRule[],
  path: string,
  search: string,
  host: string,
): Redirect | null {
  for (const { pattern, target, status } of rules) {
    const values = pattern.match(path, host);
    if (values === null) continue;
    const filled = fillPattern(target, values);
    // A splat may begin with a slash: "//name" would lead to another host than the rule's author wrote.
    const location = target.startsWith("/") ? filled.replace(/^[/\\]+/, "/") : filled;
    if (location === path) continue;
    return { status, location: location.includes("?") || status === 200 ? location : location + search };
  }
  return null;
}
