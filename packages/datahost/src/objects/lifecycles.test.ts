import { afterEach, beforeEach, expect, test } from "vitest";
import { bytesOf, createTestObjects, PLAIN } from "./object-test-support.ts";

const DAY_MS = 24 * 60 * 60_000;
const name = { projectId: "prj_a", bucket: "default" };
let world: ReturnType<typeof createTestObjects>;
beforeEach(() => {
  world = createTestObjects();
});
afterEach(() => world.remove());

const put = (key: string, bucket = "default") =>
  world.objects.put({ projectId: "prj_a", bucket }, key, bytesOf(key), { attributes: PLAIN, size: undefined });
const keys = (bucket = "default"): string[] =>
  world.rpc["objects.list"]({ projectId: "prj_a", bucket }).objects.map((object) => object.key);
const rule = (id: string, prefix: string) => ({ id, prefix, isEnabled: true });

test("objects go by prefix and age, to the day, and others stay", async () => {
  await put("tmp/old");
  await put("kept/old");
  await put("tmp/other-bucket", "other");
  world.clock.advance(DAY_MS);
  await put("tmp/young");
  await world.lifecycles.set(name, [{ ...rule("tmp", "tmp/"), expireAfterDays: 7 }]);
  world.clock.advance(6 * DAY_MS - 1);
  expect(await world.lifecycles.runDue()).toBe(0);
  world.clock.advance(60 * 60_000);
  expect(await world.lifecycles.runDue()).toBe(1);
  expect(keys()).toEqual(["kept/old", "tmp/young"]);
  expect(keys("other")).toEqual(["tmp/other-bucket"]);
});

test("the bytes of what expired are freed", async () => {
  await put("a");
  await world.lifecycles.set(name, [{ ...rule("all", ""), expireAfterDays: 1 }]);
  world.clock.advance(DAY_MS);
  await world.lifecycles.runDue();
  world.clock.advance(DAY_MS);
  await world.collector.collect();
  expect(await world.blobIds("prj_a")).toEqual([]);
});

test("uploads that were not completed are given up, and completed ones are not touched", async () => {
  const stale = await world.objects.createUpload(name, "up/stale", PLAIN);
  const other = await world.objects.createUpload(name, "elsewhere", PLAIN);
  await world.lifecycles.set(name, [{ ...rule("uploads", "up/"), abortUploadsAfterDays: 2 }]);
  world.clock.advance(2 * DAY_MS);
  const young = await world.objects.createUpload(name, "up/young", PLAIN);
  expect(await world.lifecycles.runDue()).toBe(1);
  const parts = (key: string, uploadId: string) => world.rpc["objects.listParts"]({ ...name, key, uploadId }).parts;
  expect(() => parts("up/stale", stale)).toThrow("The specified multipart upload does not exist.");
  expect(parts("elsewhere", other)).toEqual([]);
  expect(parts("up/young", young)).toEqual([]);
});

test("more than a batch goes in one run, a rule that is off does nothing, and a removed rule ends", async () => {
  for (let i = 0; i < 450; i++) await put(`k${i}`);
  await world.lifecycles.set(name, [{ ...rule("off", ""), isEnabled: false, expireAfterDays: 1 }]);
  world.clock.advance(2 * DAY_MS);
  expect(await world.lifecycles.runDue()).toBe(0);
  await world.lifecycles.set(name, []);
  world.clock.advance(DAY_MS);
  expect(await world.lifecycles.runDue()).toBe(0);
  await world.lifecycles.set(name, [{ ...rule("on", "k"), expireAfterDays: 1 }]);
  world.clock.advance(DAY_MS);
  expect(await world.lifecycles.runDue()).toBe(450);
  expect(keys()).toEqual([]);
});

test("the next run of a project is an hour after its last one", async () => {
  await world.lifecycles.set(name, [{ ...rule("all", ""), expireAfterDays: 1 }]);
  await world.lifecycles.runDue();
  await put("a");
  world.clock.advance(DAY_MS);
  expect(await world.lifecycles.runDue()).toBe(1);
  await put("b");
  world.clock.advance(30 * 60_000);
  expect(await world.lifecycles.runDue()).toBe(0);
});
