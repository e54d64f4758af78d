/** What of workerd's start-up output is meant for its maintainers. */
const NOISE =
  /NOSENTRY|^\s*$|^\*\*\* (?:Uncaught exception|Received signal)|^stack: |^\s+at .*(?:cloudflare-internal|workerd\/)/;
const SOURCE_POSITION = /^\S*workerd\/\S+?:\d+: (?:error|warning|failed|fatal): /;
// After a blank, quote or parenthesis only: a URL's path stays.
const ABSOLUTE_PATH = /(?<=^|[\s"'(=])(?:\/[\w@.+-]+){2,}/g;
const MAX_LENGTH = 4000;

/**
 * workerd's own account of why it did not start, in the author's terms: service names become function names, and what only
 * its maintainers need, file paths of this machine included, is left out.
 *
 * @param nameOf turns a service's name into what the author calls it, or undefined
 */
export function cleanStartMessage(output: string, nameOf: (service: string) => string | undefined): string {
  const name = (service: string): string => nameOf(service) ?? service;
  const lines = output
    .split("\n")
    .filter((line) => !NOISE.test(line))
    .map((line) =>
      line
        .replace(SOURCE_POSITION, "")
        .replace(/^service ([^\s:]+): /, (_match, service: string) => `${name(service)}: `)
        .replace(/"(fn\d+)"/g, (_match, service: string) => `"${name(service)}"`)
        .replace(ABSOLUTE_PATH, "…"),
    );
  return lines.join("\n").trim().slice(0, MAX_LENGTH);
}
