import { Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PROGRAM_COMPATIBILITY_DATE } from "./harness/bundle-program.ts";
import { createDeveloper } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// The same Worker on this platform and on Cloudflare's own simulator: every use of a binding gives the same, and fails with
// the same words.

type Cases = Record<string, { gave?: unknown; threw?: string }>;

let server: ServerProcess;
let simulator: Miniflare;
let ask: (suite: string) => Promise<{ ours: Cases; theirs: Cases }>;

beforeAll(async () => {
  const worker = await fixtureWorker("conformance");
  server = await startServer({ env: UNLIMITED });
  const developer = await createDeveloper(server);
  const project = await developer.createProject("conformance");
  await developer.deploy(project, {
    name: "conformance",
    worker,
    isPublic: true,
    compatibilityDate: PROGRAM_COMPATIBILITY_DATE,
  });
  simulator = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.js", contents: worker }],
    compatibilityDate: PROGRAM_COMPATIBILITY_DATE,
    d1Databases: ["DB"],
    kvNamespaces: ["CACHE"],
    r2Buckets: ["STORAGE"],
    queueProducers: { QUEUE: "default" },
  });
  const simulated = await simulator.ready;
  ask = async (suite) => {
    const [ours, theirs] = await Promise.all([
      fetch(developer.functionUrl(project, "conformance", `/${suite}`)),
      fetch(new URL(`/${suite}`, simulated)),
    ]);
    return { ours: (await ours.json()) as Cases, theirs: (await theirs.json()) as Cases };
  };
});
afterAll(async () => {
  await server?.dispose();
  await simulator?.dispose();
});

/** Facts that differ from one installation to the next and say nothing of the interface. */
const VOLATILE = new Set([
  ...["duration", "served_by", "served_by_primary", "served_by_region", "served_by_colo", "timings"],
  ...["size_after", "rows_read", "rows_written", "last_row_id", "changed_db", "metrics"],
]);

/** Cases that differ on purpose, or where the simulator itself is not like the product. */
const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  "d1 exec that fails": "the line that failed is named, not the first",
  "d1 begin": "the advice names what a function has here",
  "d1 attach": "the refusal says which rule it is",
  "r2 md5 wrong": "one line instead of three",
  "r2 sha256 wrong": "one line instead of three",
  "queue send too large": "the simulator takes messages of any size",
  "queue delay too long": "the simulator takes any delay",
  "queue delay below zero": "the simulator takes any delay",
};

function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => !VOLATILE.has(name));
  return Object.fromEntries(entries.map(([name, one]) => [name, comparable(one)]));
}

describe.each(["d1", "kv", "r2", "queue"])("%s", (suite) => {
  test("gives what Cloudflare's simulator gives, case by case", async () => {
    const { ours, theirs } = await ask(suite);
    const names = Object.keys(theirs).map((name) => [`${suite} ${name}`, name] as const);
    expect(names.length).toBeGreaterThan(10);
    const known = names.filter(([title]) => Object.hasOwn(KNOWN_DIFFERENCES, title));
    for (const [title, name] of names) {
      if (known.some(([knownTitle]) => knownTitle === title)) continue;
      expect.soft(comparable(ours[name]), title).toEqual(comparable(theirs[name]));
    }
    // A difference that is gone leaves the list.
    for (const [title, name] of known) {
      expect.soft(comparable(ours[name]), title).not.toEqual(comparable(theirs[name]));
    }
    console.info(`${suite}: ${names.length} cases, ${known.length} known to differ`);
  });
});
