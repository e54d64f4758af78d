import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface Commit {
  readonly hash: string;
  readonly short: string;
  /** True when what was measured is not what the commit holds. */
  readonly modified: boolean;
}

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

function git(...args: readonly string[]): string {
  return execFileSync("git", [...args], { cwd: REPOSITORY, encoding: "utf8" }).trim();
}

export function readCommit(): Commit {
  return {
    hash: git("rev-parse", "HEAD"),
    short: git("rev-parse", "--short", "HEAD"),
    modified: git("status", "--porcelain", "--untracked-files=no", "--", "packages") !== "",
  };
}
