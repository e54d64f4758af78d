import { existsSync } from "node:fs";

export interface LaunchTools {
  /** util-linux `prlimit`, or null where it is missing. */
  readonly prlimit: string | null;
  /** util-linux `setpriv`, or null where it is missing. */
  readonly setpriv: string | null;
}

const TOOL_DIRECTORIES = ["/usr/bin", "/bin"];

function findTool(name: string): string | null {
  for (const directory of TOOL_DIRECTORIES) {
    const path = `${directory}/${name}`;
    if (existsSync(path)) return path;
  }
  return null;
}

/** What this machine offers to confine a process from outside. Elsewhere the watchdog and the sweep at start must do. */
export function findLaunchTools(platform = process.platform): LaunchTools {
  if (platform !== "linux") return { prlimit: null, setpriv: null };
  return { prlimit: findTool("prlimit"), setpriv: findTool("setpriv") };
}

/**
 * The command that becomes workerd. Each tool replaces itself by the next (exec), so that the process has one id all along
 * and starts about half a millisecond later. `prlimit`: no core files (they would hold secrets) and a bound on writable
 * memory. `setpriv`: the kernel kills the process when the server dies, however that dies, and it never gains privileges.
 */
export function launchCommand(
  tools: LaunchTools,
  workerd: readonly string[],
  maxDataBytes: number | null,
): readonly string[] {
  const command: string[] = [];
  if (tools.prlimit !== null) {
    command.push(tools.prlimit, "--core=0");
    if (maxDataBytes !== null) command.push(`--data=${maxDataBytes}`);
  }
  if (tools.setpriv !== null) command.push(tools.setpriv, "--pdeathsig", "KILL", "--no-new-privs");
  return [...command, ...workerd];
}
