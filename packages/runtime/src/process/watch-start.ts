import type { RuntimeLimits } from "../limits.ts";
import { createProcessUsage, type ProcessUsage } from "./process-usage.ts";
import { type SpawnedWorkerd, StartFailure } from "./spawn-workerd.ts";

const LOOK_INTERVAL_MS = 25;
const MEBIBYTE = 1024 * 1024;

/**
 * Waits until a process listens. What user code does at the top level of its modules runs before that, so memory and CPU
 * are watched from the first moment.
 *
 * @throws StartFailure
 */
export async function watchStart(spawned: SpawnedWorkerd, limits: RuntimeLimits): Promise<void> {
  const usage = openUsage(spawned.pid);
  let excess: string | null = null;
  const timer = setInterval(() => {
    excess ??= usage === null ? null : findExcess(usage, limits);
    if (excess !== null) spawned.signal("SIGKILL");
  }, LOOK_INTERVAL_MS);
  try {
    await spawned.listening;
  } catch (error) {
    throw excess === null ? error : new StartFailure(excess, "");
  } finally {
    clearInterval(timer);
    usage?.close();
  }
}

function openUsage(pid: number): ProcessUsage | null {
  try {
    return createProcessUsage(pid);
  } catch {
    // It has ended already, and its exit says why.
    return null;
  }
}

function findExcess(usage: ProcessUsage, limits: RuntimeLimits): string | null {
  if (usage.memoryBytes() > limits.memoryLimitBytes) {
    return `It used more than ${Math.round(limits.memoryLimitBytes / MEBIBYTE)} MB of memory while it started.`;
  }
  const { userMs, systemMs } = usage.cpu();
  if (userMs + systemMs > limits.startCpuLimitMs) {
    return `It used more than ${limits.startCpuLimitMs / 1000} s of CPU time while it started.`;
  }
  return null;
}
