import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, deriveKey, type ManualClock } from "@aerostack/kernel";
import { createKvLeases, type KvLeases } from "../kv/kv-leases.ts";
import { createStateDatabases, type StateDatabases } from "./state-databases.ts";

export interface TestState {
  readonly hostDir: string;
  readonly clock: ManualClock;
  readonly keyFor: (name: string) => Buffer;
  /** Opens the same files once more, as the process after a crash does. */
  open(): StateDatabases;
  /** Nobody holds anything. */
  readonly leases: KvLeases;
  remove(): void;
}

/** A folder, a clock at a fixed time and keys for tests of what is kept in state databases. */
export function createTestState(): TestState {
  const hostDir = mkdtempSync(join(tmpdir(), "state-"));
  const master = randomBytes(32);
  const clock = createManualClock(Date.UTC(2027, 0, 1));
  const keyFor = (name: string): Buffer => deriveKey(master, name);
  return {
    hostDir,
    clock,
    keyFor,
    leases: createKvLeases({ letGo: async () => undefined, now: clock.now, after: () => () => undefined }),
    open: () => createStateDatabases({ hostDir, keyFor, clock }),
    remove: () => rmSync(hostDir, { recursive: true, force: true }),
  };
}
