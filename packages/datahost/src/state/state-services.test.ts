import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UNCOUNTED_GRACE_MS, UNUSED_GRACE_MS } from "../objects/object-collector.ts";
import { createManualTimers } from "../queue/manual-timers-test-support.ts";
import { createStateServices } from "./state-services.ts";
import { createTestState } from "./state-test-support.ts";

const kv = { projectId: "prj_a", namespace: "default" };
const jobs = { projectId: "prj_a", queue: "jobs" };

function createWorld() {
  const { clock, hostDir, keyFor, remove } = createTestState();
  const timers = createManualTimers(clock);
  const ready: string[] = [];
  const errors: unknown[] = [];
  const open = () =>
    createStateServices({
      hostDir,
      keyFor,
      clock,
      timers,
      onQueueReady: ({ projectId, queue }) => ready.push(`${projectId}/${queue}`),
      letGo: async () => undefined,
      onError: (error) => errors.push(error),
    });
  return { clock, hostDir, timers, ready, errors, open, remove };
}

test("a start announces the queues that a crash interrupted", async () => {
  const world = createWorld();
  const before = world.open();
  await before.rpc["queue.send"]({ ...jobs, messages: [{ body: "1" }] });
  world.ready.length = 0;
  const after = world.open();
  after.start();
  expect(world.ready).toEqual(["prj_a/jobs"]);
  after.close();
  before.close();
  world.remove();
});

test("upkeep frees expired keys and unused blobs, and closes idle databases", async () => {
  const world = createWorld();
  const services = world.open();
  await services.rpc["kv.put"]({ ...kv, key: "k", value: "v", ttlSeconds: 60 });
  await services.rpc["queue.send"]({ ...jobs, messages: [{ body: "1" }] });
  await services.rpc["queue.purge"](jobs);
  world.clock.advance(UNUSED_GRACE_MS + 1);
  await services.maintain();
  world.clock.advance(UNCOUNTED_GRACE_MS);
  await services.maintain();
  expect(world.errors).toEqual([]);
  expect(services.rpc["queue.pending"]()).toEqual([]);
  services.close();
  world.remove();
});

test("upkeep comes round every minute until it is closed", async () => {
  const world = createWorld();
  const services = world.open();
  services.start();
  expect(world.timers.pending).toBe(1);
  world.timers.advance(60_000);
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  await services.maintain();
  services.close();
  world.timers.advance(600_000);
  expect(world.errors).toEqual([]);
  world.remove();
});

test("a deleted project leaves no file", async () => {
  const world = createWorld();
  const services = world.open();
  await services.rpc["kv.put"]({ ...kv, key: "k", value: "v" });
  await services.rpc["kv.put"]({ ...kv, projectId: "prj_b", key: "k", value: "stays" });
  await services.rpc["queue.send"]({ ...jobs, messages: [{ body: "1" }] });
  await services.deleteProject("prj_a");
  expect(readdirSync(join(world.hostDir, "projects", "prj_a"))).toEqual([]);
  expect(existsSync(join(world.hostDir, "blobs", "prj_a"))).toBe(false);
  expect(services.rpc["queue.pending"]()).toEqual([]);
  expect(services.rpc["kv.get"]({ ...kv, projectId: "prj_b", key: "k" })?.value).toBe("stays");
  services.close();
  world.remove();
});
