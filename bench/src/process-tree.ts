import { readdirSync, readFileSync } from "node:fs";

/** A process as /proc tells of it. */
export interface ProcessFacts {
  readonly pid: number;
  readonly parentPid: number;
  readonly command: string;
}

function readFacts(pid: number): ProcessFacts | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name stands in brackets and may hold anything, brackets and blanks included: what follows the last one counts.
    const [state, parentPid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (state === "Z") return null;
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return { pid, parentPid: Number(parentPid), command };
  } catch {
    return null; // It has ended in between.
  }
}

/** The process and all below it that live now (Linux). */
export function processTree(rootPid: number): readonly ProcessFacts[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readFacts(Number(name)) ?? []);
  const tree = all.filter(({ pid }) => pid === rootPid);
  for (const { pid } of tree) tree.push(...all.filter(({ parentPid }) => parentPid === pid));
  return tree;
}

/** Whether the process runs user code. */
export function isWorkerd({ command }: ProcessFacts): boolean {
  return /(?:^|\/)workerd serve /.test(command);
}

export type Role = "npm" | "server" | "data host" | "workerd" | "baseline" | "other";

/** A short name for what a process does. */
export function roleOf(facts: ProcessFacts): Role {
  if (isWorkerd(facts)) return "workerd";
  if (facts.command.startsWith("npm ") || /^(?:\/bin\/)?sh -c /.test(facts.command)) return "npm";
  // The bundle's name of it, or its source.
  if (/packages\/datahost\/|\/datahost\.[a-z.-]+\.mjs/.test(facts.command)) return "data host";
  if (facts.command.includes("packages/server/")) return "server";
  if (facts.command.includes("bench/src/baselines/")) return "baseline";
  return "other";
}
