import { execFile } from "node:child_process";
import { readdir, readFile, readlink, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { PID_FILE, SERVE_ARGUMENTS } from "./spawn-workerd.ts";

const GONE_TIMEOUT_MS = 2000;
const POLL_MS = 5;

/**
 * Ends the workerd processes that a server left behind when it died, and removes their folders. The kernel ends them with
 * the server where it can (see `launchCommand`); this is for where it cannot.
 *
 * @param workersDirectory folder with one folder per process
 * @returns how many processes were ended
 */
export async function sweepOrphans(workersDirectory: string): Promise<number> {
  const names = await readdir(workersDirectory).catch(() => []);
  const ended = await Promise.all(names.map((name) => endOrphan(join(workersDirectory, name))));
  await Promise.all(names.map((name) => rm(join(workersDirectory, name), { recursive: true, force: true })));
  return ended.filter(Boolean).length;
}

async function endOrphan(directory: string): Promise<boolean> {
  const pid = Number(await readFile(join(directory, PID_FILE), "utf8").catch(() => ""));
  if (!Number.isSafeInteger(pid) || pid <= 1 || !(await isOurs(pid, directory))) return false;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    return false;
  }
  const deadline = performance.now() + GONE_TIMEOUT_MS;
  while (performance.now() < deadline && (await isOurs(pid, directory))) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}

/** Process ids are reused: only a workerd that works in this very folder is one of ours. */
async function isOurs(pid: number, directory: string): Promise<boolean> {
  try {
    if (process.platform !== "linux") return await runsServeCommand(pid);
    const command = await readFile(`/proc/${pid}/cmdline`, "latin1");
    return command.includes("workerd") && (await readlink(`/proc/${pid}/cwd`)) === (await realpath(directory));
  } catch {
    return false;
  }
}

/** Without /proc: a workerd that was started with the arguments that only this package uses. */
async function runsServeCommand(pid: number): Promise<boolean> {
  const { stdout } = await promisify(execFile)("ps", ["-o", "command=", "-p", String(pid)]);
  return stdout.trim().endsWith(SERVE_ARGUMENTS.join(" "));
}
