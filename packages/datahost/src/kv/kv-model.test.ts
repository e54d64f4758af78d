import { describe, expect, test } from "vitest";
import { createSeededRandom } from "../state/seeded-random-test-support.ts";
import { createTestState } from "../state/state-test-support.ts";
import { createKvRpc } from "./kv-rpc.ts";
import { createKvSweeper } from "./kv-sweeper.ts";

const KEYS = ["a", "a:1", "a:2", "a\u{10ffff}", "b", "é", "😀"];
const NAMESPACES = ["one", "two"];
const STEPS = 400;

/** Simple enough to be believed: a map, and a look at the clock. */
function createModel(now: () => number) {
  const entries = new Map<string, { value: string; expiresAt: number | null }>();
  const id = (namespace: string, key: string) => JSON.stringify([namespace, key]);
  function live(namespace: string, key: string) {
    const entry = entries.get(id(namespace, key));
    return entry === undefined || (entry.expiresAt !== null && entry.expiresAt <= now()) ? undefined : entry;
  }
  return {
    get: (namespace: string, key: string) => live(namespace, key)?.value ?? null,
    put: (namespace: string, key: string, value: string, expiresAt: number | null) =>
      entries.set(id(namespace, key), { value, expiresAt }),
    delete(namespace: string, key: string): boolean {
      const was = live(namespace, key) !== undefined;
      entries.delete(id(namespace, key));
      return was;
    },
    expire(namespace: string, key: string, expiresAt: number): boolean {
      const entry = live(namespace, key);
      if (entry !== undefined) entry.expiresAt = expiresAt;
      return entry !== undefined;
    },
    list: (namespace: string, prefix: string) =>
      KEYS.filter((key) => key.startsWith(prefix) && live(namespace, key) !== undefined).sort((one, other) =>
        Buffer.compare(Buffer.from(one), Buffer.from(other)),
      ),
  };
}

describe("KV against its model", () => {
  test.each(Array.from({ length: 8 }, (_, seed) => seed))(
    "random operations, expiry and crashes, seed %i",
    async (seed) => {
      const random = createSeededRandom(seed);
      const state = createTestState();
      const { clock } = state;
      const model = createModel(() => clock.now());
      let states = state.open();
      let kv = createKvRpc({ states, clock, leases: state.leases });
      const left = [states];

      for (let step = 0; step < STEPS; step++) {
        const scope = { projectId: "prj_a", namespace: random.pick(NAMESPACES) };
        const key = random.pick(KEYS);
        switch (random.integer(9)) {
          case 0:
          case 1: {
            const ttlSeconds = random.chance(0.5) ? 1 + random.integer(5) : undefined;
            const value = String(step);
            model.put(scope.namespace, key, value, ttlSeconds === undefined ? null : clock.now() + ttlSeconds * 1000);
            await kv["kv.put"]({ ...scope, key, value, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) });
            break;
          }
          case 2:
            expect(await kv["kv.delete"]({ ...scope, key })).toEqual({ deleted: model.delete(scope.namespace, key) });
            break;
          case 3: {
            const ttlSeconds = 1 + random.integer(3);
            const found = model.expire(scope.namespace, key, clock.now() + ttlSeconds * 1000);
            expect(await kv["kv.expire"]({ ...scope, key, ttlSeconds })).toEqual({ found });
            break;
          }
          case 4: {
            const prefix = random.pick(["", "a", "a:", "é", "z"]);
            const seen: string[] = [];
            let cursor: string | null = null;
            do {
              const page: { keys: { name: string }[]; cursor: string | null } = kv["kv.list"]({
                ...scope,
                prefix,
                limit: 2,
                cursor,
              });
              seen.push(...page.keys.map(({ name }) => name));
              cursor = page.cursor;
            } while (cursor !== null);
            expect(seen).toEqual(model.list(scope.namespace, prefix));
            break;
          }
          case 5:
            clock.advance(random.integer(3000));
            break;
          case 6:
            await createKvSweeper({ states, clock }).sweep();
            break;
          case 7:
            // A crash: the old connections are left as they are, new ones read what the files say.
            if (random.chance(0.3)) {
              states = state.open();
              kv = createKvRpc({ states, clock, leases: state.leases });
              left.push(states);
            }
            break;
          default:
            expect(kv["kv.get"]({ ...scope, key })?.value ?? null).toBe(model.get(scope.namespace, key));
        }
      }
      for (const namespace of NAMESPACES) {
        for (const key of KEYS) {
          expect(kv["kv.get"]({ projectId: "prj_a", namespace, key })?.value ?? null).toBe(model.get(namespace, key));
        }
      }
      for (const opened of left) opened.close();
      state.remove();
    },
  );
});
