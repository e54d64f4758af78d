import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createTestState } from "../state/state-test-support.ts";
import { createObjectClient, type ObjectClient } from "./object-client.ts";
import { bytesOf, createTestObjects, PLAIN } from "./object-test-support.ts";
import { createR2Binding } from "./r2-binding.ts";

const scope = { token: "t", bucket: "default" };

describe("object client", () => {
  let world: ReturnType<typeof createTestObjects>;
  let folder: ReturnType<typeof createTestState>;
  let server: Server;
  let client: ObjectClient;

  beforeEach(async () => {
    world = createTestObjects();
    folder = createTestState();
    const handler = createR2Binding({ objects: world.objects });
    server = createServer((req, res) => {
      const bucket = String(req.headers["x-aero-binding"]).replace(/^r2:/, "");
      Promise.resolve(handler({ projectId: "prj_a" }, bucket, req, res)).catch(() => res.destroy());
    });
    const socketPath = join(folder.hostDir, "host.sock");
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    client = createObjectClient({ socketPath });
  });
  afterEach(async () => {
    client.close();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
    world.remove();
    folder.remove();
  });

  const read = async (key: string, range?: { offset: number; length: number }) => {
    const { content } = await client.get(scope, key, range === undefined ? {} : { range });
    return Buffer.concat(await content.toArray()).toString();
  };

  test("streams of known and of unknown length go in, and come out with what they were stored with", async () => {
    const attributes = { ...PLAIN, httpMetadata: { contentType: "x/y" }, customMetadata: { clé: "é" } };
    const stored = await client.put(scope, "é 😀/..", bytesOf("known"), { attributes, size: 5 });
    await client.put(scope, "unknown", bytesOf("x".repeat(300_000)), { attributes: PLAIN });
    await client.put(scope, "buffer", Buffer.from("buffer"), { attributes: PLAIN });
    const { object, content } = await client.get(scope, "é 😀/..");
    content.destroy();
    expect(object).toEqual(stored);
    expect(object).toMatchObject({ size: 5, httpMetadata: { contentType: "x/y" }, customMetadata: { clé: "é" } });
    expect((await read("unknown")).length).toBe(300_000);
    expect(await read("buffer", { offset: 1, length: 3 })).toBe("uff");
  });

  test("a refusal is the platform's error", async () => {
    await expect(client.get(scope, "none")).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(client.put(scope, "x".repeat(2000), Buffer.from(""), { attributes: PLAIN })).rejects.toMatchObject({
      code: "STORAGE_KEY_INVALID",
    });
    const onlyIf = { etagMatches: [{ type: "wildcard" as const }], secondsGranularity: false };
    await expect(client.put(scope, "k", Buffer.from("v"), { attributes: PLAIN, onlyIf })).rejects.toMatchObject({
      code: "STORAGE_PRECONDITION_FAILED",
    });
  });

  test("a source that fails stores nothing and is told as it failed", async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(200_000);
      throw new Error("the client went away");
    }
    await expect(client.put(scope, "k", failing(), { attributes: PLAIN, size: 400_000 })).rejects.toThrow(
      "the client went away",
    );
    expect(world.rpc["objects.head"]({ projectId: "prj_a", bucket: "default", key: "k" })).toBeNull();
  });

  test("a data host that is away is told as unavailable", async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(client.get(scope, "k")).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    await new Promise<void>((resolve) => server.listen(join(folder.hostDir, "other.sock"), resolve));
  });
});
