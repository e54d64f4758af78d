// For tests only: a project's databases in a real data host, in a folder of their own.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDataHost } from "@aerostack/datahost";
import type { HostCall } from "../kernel/host-call.ts";
import { createDatabaseService } from "./service.ts";

export async function startTestDatabases(onEvent: (name: string, value: unknown) => void = () => {}) {
  const dataDir = await mkdtemp(join(tmpdir(), "databases-"));
  const logger = { info() {}, warn() {}, error() {} };
  const host = await startDataHost({ dataDir, masterKey: randomBytes(32), logger, onEvent });
  const call = host.call as HostCall;
  return {
    call,
    databases: createDatabaseService(call),
    async close(): Promise<void> {
      await host.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
