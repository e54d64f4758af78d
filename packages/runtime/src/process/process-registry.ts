import type { EngineFailures } from "../tails/engine-failures.ts";
import type { ProjectSpec } from "../types.ts";

/** What the platform's own services know of the process that asks them. */
export interface RegisteredProcess {
  readonly projectId: string;
  readonly spec: ProjectSpec;
  /** Null where all of its functions have tail workers, which see every failure. */
  readonly failures: EngineFailures | null;
}

/** Which process a token belongs to. A token lives exactly as long as its process. */
export interface ProcessRegistry {
  add(token: string, process: RegisteredProcess): void;
  delete(token: string): void;
  find(token: string | string[] | undefined): RegisteredProcess | undefined;
}

export function createProcessRegistry(): ProcessRegistry {
  const processes = new Map<string, RegisteredProcess>();
  return {
    add: (token, process) => void processes.set(token, process),
    delete: (token) => void processes.delete(token),
    find: (token) => (typeof token === "string" ? processes.get(token) : undefined),
  };
}
