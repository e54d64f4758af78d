import { matchesGlob } from "node:path";

/** Never part of a site, whatever .assetsignore says: local secrets and the tools' own folders. */
const ALWAYS = [".assetsignore", ".git", ".DS_Store", "node_modules", ".aerostack", ".wrangler", ".dev.vars*", ".env*"];

interface Pattern {
  readonly globs: readonly string[];
  readonly negated: boolean;
}

/** Decides by the rules of .gitignore whether a path (with forward slashes, relative to the folder) is left out. */
export function createAssetFilter(ignoreFile: string | undefined): (path: string) => boolean {
  const own = (ignoreFile ?? "").split(/\r?\n/).map((line) => line.trim());
  const patterns = own.filter((line) => line !== "" && !line.startsWith("#")).map(readPattern);
  const always = ALWAYS.map(readPattern);
  return (path) => {
    const matches = ({ globs }: Pattern): boolean => globs.some((glob) => matchesGlob(path, glob));
    if (always.some(matches)) return true;
    // The last pattern that matches decides.
    return patterns.reduce((ignored, pattern) => (matches(pattern) ? !pattern.negated : ignored), false);
  };
}

function readPattern(line: string): Pattern {
  const negated = line.startsWith("!");
  const text = (negated ? line.slice(1) : line).replace(/\/+$/, "");
  // A slash at the start or within ties a pattern to the folder; without one it matches at any depth.
  const tied = text.includes("/");
  const bare = text.replace(/^\//, "");
  const bases = tied ? [bare] : [bare, `**/${bare}`];
  return { negated, globs: bases.flatMap((base) => [base, `${base}/**`]) };
}
