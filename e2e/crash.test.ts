import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { descendantsOf, isDataHost, isWorkerd, type ProcessInfo, stillRunning } from "./harness/process-tree.ts";
import { createSeededRandom } from "./harness/seeded-random.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";
import { startWriteLoad, WRITE_KINDS, type WriteKind, type WriteLoad } from "./harness/write-load.ts";

// kill -9 of the server, the data host or a project's workerd at random moments while everything is written: nothing that
// was acknowledged is lost, and nothing that was sent once is there twice. AEROSTACK_CRASH_ROUNDS makes it long,
// AEROSTACK_SEED repeats a run.

const ROUNDS = Number(process.env.AEROSTACK_CRASH_ROUNDS ?? "5");
const SEED = Number(process.env.AEROSTACK_SEED ?? Math.floor(Math.random() * 2 ** 31));
const TARGETS = ["server", "data host", "workerd"] as const;
type Target = (typeof TARGETS)[number];
const ROUND_TIMEOUT_MS = 60_000;
const RECOVERY_TIMEOUT_MS = 20_000;

let server: ServerProcess;
let developer: Developer;
let project: Project;
const acknowledged = new Map<WriteKind, string[]>(WRITE_KINDS.map((kind) => [kind, []]));
const everSeen = new Map<string, ProcessInfo>();
/** How often each message had been delivered when its queue was empty: an acknowledged one never comes again. */
const settledDeliveries = new Map<string, number>();

const path = (rest: string): string => `/api/v1/projects/${project.id}${rest}`;
const acknowledgedOf = (...kinds: WriteKind[]): string[] => kinds.flatMap((kind) => acknowledged.get(kind) ?? []);

/** All rows of a query, read in pages because one answer is bounded. */
async function select(sql: string): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  const pageSize = 5_000;
  for (;;) {
    const page = await developer.call<{ rows: unknown[][] }>("POST", path("/db/query"), {
      sql: `${sql} LIMIT ${pageSize} OFFSET ${rows.length}`,
    });
    rows.push(...page.rows);
    if (page.rows.length < pageSize) return rows;
  }
}

async function listAll<Item>(address: string, field: string): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
    const page: Record<string, unknown> = await developer.call("GET", path(`${address}?limit=200${query}`));
    items.push(...(page[field] as Item[]));
    cursor = page.nextCursor as string | null;
  } while (cursor !== null);
  return items;
}

async function noteProcesses(): Promise<ProcessInfo[]> {
  const processes = await descendantsOf(server.pid);
  for (const one of processes) everSeen.set(`${one.pid} ${one.startTime}`, one);
  return processes;
}

async function killSomething(target: Target): Promise<void> {
  const processes = await noteProcesses();
  if (target === "server") {
    const { dataDir, port } = server;
    await server.kill();
    await pollUntil("its children to end", async () => (await stillRunning(processes)).length === 0);
    server = await startServer({ dataDir, port, env: UNLIMITED });
    return;
  }
  const victim = processes.find(target === "workerd" ? isWorkerd : isDataHost);
  // A workerd that is not running at the moment (it is just being restarted) cannot be killed.
  if (victim !== undefined) process.kill(victim.pid, "SIGKILL");
}

/** After a kill every kind of write works again, by itself. */
async function recovered(load: WriteLoad): Promise<void> {
  const before = new Map(WRITE_KINDS.map((kind) => [kind, load.acknowledged.get(kind)?.length ?? 0]));
  await pollUntil(
    "every kind of write to work again",
    () => WRITE_KINDS.every((kind) => (load.acknowledged.get(kind)?.length ?? 0) > (before.get(kind) ?? 0)),
    RECOVERY_TIMEOUT_MS,
  );
}

/** Every message that was acknowledged to its sender has been delivered, and its queue is empty. */
async function queueIsSettled(): Promise<void> {
  await pollUntil(
    "the queue to be empty",
    async () => {
      const { queues } = await developer.call<{ queues: { name: string; backlog: number }[] }>("GET", path("/queues"));
      return queues.every((queue) => queue.backlog === 0);
    },
    RECOVERY_TIMEOUT_MS,
  );
  const counts = (await select("SELECT id, count(*) FROM deliveries GROUP BY id ORDER BY id")) as [string, number][];
  for (const [id, count] of counts) {
    const settled = settledDeliveries.get(id);
    if (settled !== undefined)
      expect(["delivered again after its queue was empty", id, count]).toEqual([expect.any(String), id, settled]);
    settledDeliveries.set(id, count);
  }
}

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("crash");
  const tables = ["rows (id TEXT)", "pairs (id TEXT, half INTEGER)", "deliveries (id TEXT)"];
  for (const table of tables) await developer.call("POST", path("/db/query"), { sql: `CREATE TABLE ${table}` });
  await developer.deploy(project, {
    name: "writer",
    worker: await fixtureWorker("crash-writer"),
    isPublic: false,
    config: {
      queueConsumers: [
        { queue: "default", maxBatchSize: 20, maxBatchTimeoutSeconds: 0, maxRetries: 100, retryDelaySeconds: 0 },
      ],
    },
  });
});
afterAll(async () => {
  await server?.dispose();
});

test(`${ROUNDS} crashes under a write load (seed ${SEED})`, { timeout: ROUNDS * ROUND_TIMEOUT_MS }, async () => {
  const random = createSeededRandom(SEED);
  const rounds: string[] = [];
  const offset = random.between(0, TARGETS.length - 1);
  for (let round = 0; round < ROUNDS; round++) {
    const target = TARGETS[(round + offset) % TARGETS.length] ?? "server";
    const startedAt = performance.now();
    const load = startWriteLoad(server, developer, project, `r${round}`);
    try {
      await recovered(load);
      await delay(random.between(0, 400));
      await killSomething(target);
      await recovered(load);
    } finally {
      await load.stop();
    }
    for (const [kind, ids] of load.acknowledged) acknowledged.get(kind)?.push(...ids);
    await noteProcesses();
    const counts = [...load.acknowledged.values()].map((ids) => ids.length);
    const loadedMs = performance.now() - startedAt;
    await queueIsSettled().catch((cause: unknown) => {
      throw new Error(`round ${round}, after a kill of the ${target}`, { cause });
    });
    const settledMs = performance.now() - startedAt - loadedMs;
    rounds.push(
      `${target} (${counts.join("/")} in ${loadedMs.toFixed(0)} ms, queue empty after ${settledMs.toFixed(0)} ms)`,
    );
  }
  console.info(`killed in turn: ${rounds.join(", ")}`);
  console.info(
    `${ROUNDS} crashes, acknowledged: ${WRITE_KINDS.map((kind) => `${kind} ${acknowledged.get(kind)?.length}`).join(", ")}`,
  );
});

const missing = (expected: readonly string[], found: ReadonlySet<string>): string[] =>
  expected.filter((id) => !found.has(id));

test("every acknowledged row is there, once", async () => {
  const counts = (await select("SELECT id, count(*) FROM rows GROUP BY id ORDER BY id")) as [string, number][];
  expect(counts.filter(([, count]) => count !== 1)).toEqual([]);
  expect(missing(acknowledgedOf("row", "api-row"), new Set(counts.map(([id]) => id)))).toEqual([]);
});

test("every acknowledged batch is there whole, once, and no batch is there in part", async () => {
  const counts = (await select("SELECT id, count(*), sum(half) FROM pairs GROUP BY id ORDER BY id")) as [
    string,
    number,
    number,
  ][];
  expect(counts.filter(([, count, sum]) => count !== 2 || sum !== 3)).toEqual([]);
  expect(missing(acknowledgedOf("pair"), new Set(counts.map(([id]) => id)))).toEqual([]);
});

test("every acknowledged key is there", async () => {
  const keys = await listAll<{ name: string }>("/kv/default/keys", "keys");
  expect(missing(acknowledgedOf("key", "api-key"), new Set(keys.map((key) => key.name)))).toEqual([]);
  const sample = acknowledgedOf("key", "api-key").slice(-50);
  for (const id of sample) {
    const answer = await fetch(`${server.url}${path(`/kv/default/values/${id}`)}`, {
      headers: { "x-api-key": developer.accountKey },
    });
    expect(await answer.text()).toBe(`value of ${id}`);
  }
});

test("every acknowledged object is there, whole", async () => {
  const objects = await listAll<{ key: string; etag: string }>("/storage/default/objects", "objects");
  expect(missing(acknowledgedOf("object", "api-object"), new Set(objects.map((object) => object.key)))).toEqual([]);
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const damaged = objects.filter((object) => object.etag.replaceAll('"', "") !== md5(`content of ${object.key}`));
  expect(damaged).toEqual([]);
  for (const id of acknowledgedOf("object", "api-object").slice(-50)) {
    const answer = await fetch(`${server.url}${path(`/storage/default/objects/${id}`)}`, {
      headers: { "x-api-key": developer.accountKey },
    });
    expect(await answer.text()).toBe(`content of ${id}`);
  }
});

test("every acknowledged message was delivered", () => {
  expect(missing(acknowledgedOf("message", "api-message"), new Set(settledDeliveries.keys()))).toEqual([]);
});

test("the database passes its integrity check", async () => {
  for (const check of ["integrity_check", "quick_check", "foreign_key_check"]) {
    const { rows } = await developer.call<{ rows: unknown[][] }>("POST", path("/db/query"), { sql: `PRAGMA ${check}` });
    expect(rows).toEqual(check === "foreign_key_check" ? [] : [["ok"]]);
  }
});

test("no process of an earlier life is left", async () => {
  const current = new Set((await descendantsOf(server.pid)).map((one) => one.pid));
  await pollUntil("processes of earlier lives to end", async () => {
    const left = (await stillRunning([...everSeen.values()])).filter((one) => !current.has(one.pid));
    return left.length === 0;
  });
});
