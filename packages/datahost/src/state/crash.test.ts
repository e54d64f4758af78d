import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { deriveKey } from "@aerostack/kernel";
import { expect, test } from "vitest";
import { createManualTimers } from "../queue/manual-timers-test-support.ts";
import { createSeededRandom } from "./seeded-random-test-support.ts";
import { createStateServices } from "./state-services.ts";
import { createTestState } from "./state-test-support.ts";

const ROUNDS = 6;
const WRITER = fileURLToPath(new URL("./crash-writer-test-support.ts", import.meta.url));
const projectId = "prj_crash";

/** Runs the writer until it has acknowledged `lines` writes, and kills it. */
async function writeAndKill(hostDir: string, keyHex: string, first: number, lines: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, hostDir, keyHex, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said: string[] = [];
  const exited = once(child, "exit");
  for await (const line of createInterface({ input: child.stdout })) {
    said.push(line);
    // What it says before it dies counts too.
    if (said.length === lines) child.kill("SIGKILL");
  }
  await exited;
  return said;
}

test("whatever was acknowledged before a kill -9 is there after it, and nothing acknowledged once comes twice", async () => {
  const state = createTestState();
  const { clock, hostDir } = state;
  const master = randomBytes(32);
  const random = createSeededRandom(master.readUInt32BE());
  const stored = {
    kv: new Set<number>(),
    sent: new Set<number>(),
    acked: new Set<number>(),
    object: new Set<number>(),
  };
  const twice: number[] = [];
  let first = 0;

  for (let round = 0; round < ROUNDS; round++) {
    const said = await writeAndKill(hostDir, master.toString("hex"), first, 40 + random.integer(400));
    for (const line of said) {
      const [what = "", n = ""] = line.split(" ");
      const set = stored[what as keyof typeof stored];
      if (what === "acked" && set.has(Number(n))) twice.push(Number(n));
      set.add(Number(n));
      first = Math.max(first, Number(n) + 10);
    }

    clock.set(Date.now());
    const services = createStateServices({
      hostDir,
      keyFor: (name) => deriveKey(master, name),
      clock,
      timers: createManualTimers(clock),
      onQueueReady: () => undefined,
      letGo: async () => undefined,
      onError: (error) => expect.unreachable(String(error)),
    });
    const scope = { projectId, namespace: "default" };
    for (const n of stored.kv) expect(services.rpc["kv.get"]({ ...scope, key: `k${n}` })?.value).toBe(String(n));
    for (const n of stored.object) {
      const { content } = await services.objects.get({ projectId, bucket: "default" }, `o${n}`);
      expect(Buffer.concat(await content.toArray()).toString()).toBe(`object ${n} `.repeat(20_000));
    }
    const waiting: number[] = [];
    let cursor: string | null = null;
    do {
      const page: ReturnType<(typeof services.rpc)["queue.peek"]> = services.rpc["queue.peek"]({
        projectId,
        queue: "jobs",
        cursor,
      });
      waiting.push(...page.messages.map(({ body }) => Number(Buffer.from(body, "base64").toString())));
      cursor = page.cursor;
    } while (cursor !== null);
    expect(new Set(waiting).size).toBe(waiting.length);
    for (const n of waiting) expect(stored.acked.has(n), `${n} was acknowledged and is there`).toBe(false);
    // The last acknowledgement may have been durable before it could be said.
    const lost = [...stored.sent].filter((n) => !stored.acked.has(n) && !waiting.includes(n));
    expect(lost.length).toBeLessThanOrEqual(round + 1);
    if (waiting.length > 0) expect(services.rpc["queue.pending"]()).toMatchObject([{ projectId, queue: "jobs" }]);
    expect(services.checkIntegrity(projectId)).toBe("ok");
    services.close();
  }
  expect(twice).toEqual([]);
  expect(stored.acked.size).toBeGreaterThan(0);
  state.remove();
});
