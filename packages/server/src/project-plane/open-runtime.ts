import { d1BindingModulePath } from "@aerostack/datahost";
import { createRuntime, type Runtime } from "@aerostack/runtime";
import { logEntryOfEvent, logEntryOfTail } from "../functions/runtime-log.ts";
import type { HostCall } from "../kernel/host-call.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import type { ProjectPlaneOptions } from "./project-plane-options.ts";

const MEBIBYTE = 1024 * 1024;

/** Starts what runs projects' functions; what they say and what becomes of them goes into their logs. */
export async function openRuntime(
  { config, clock, log, lifecycle, origin }: ProjectPlaneOptions,
  call: HostCall,
  addLogEntry: (entry: NewLogEntry) => void,
): Promise<Runtime> {
  const runtime = await createRuntime({
    dataDir: config.dataDir,
    clock,
    logger: log,
    platformOrigin: origin,
    d1BindingModulePath,
    egressAllow: config.egressAllow,
    limits: {
      cpuLimitMs: config.functionCpuMs,
      memoryLimitBytes: config.functionMemoryMb * MEBIBYTE,
      idleMs: config.functionIdleMs,
      egressConcurrency: config.functionSubrequests,
    },
    registerGrant: async (token, projectId) => void (await call("grants.register", { token, projectId })),
    revokeGrant: async (token) => void (await call("grants.revoke", { token })),
    onTail: (entries) => {
      for (const entry of entries) addLogEntry(logEntryOfTail(entry));
    },
    onEvent: (event) => {
      const entry = logEntryOfEvent(event);
      if (entry !== null) addLogEntry(entry);
    },
  });
  lifecycle.onClose("runtime", () => runtime.close());
  return runtime;
}
