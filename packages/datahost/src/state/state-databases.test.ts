import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createManualClock, deriveKey } from "@aerostack/kernel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createStateDatabases } from "./state-databases.ts";

const INSERT = "INSERT INTO kv_entries (namespace, key, value) VALUES ('n', ?, ?)";
const COUNT = "SELECT count(*) AS count FROM kv_entries";

describe("state databases", () => {
  let hostDir: string;
  const master = randomBytes(32);
  const clock = createManualClock(1_800_000_000_000);
  const create = (maxOpen?: number) =>
    createStateDatabases({
      hostDir,
      keyFor: (name) => deriveKey(master, name),
      clock,
      ...(maxOpen === undefined ? {} : { maxOpen }),
    });
  beforeEach(() => {
    hostDir = mkdtempSync(join(tmpdir(), "state-"));
  });
  afterEach(() => rmSync(hostDir, { recursive: true, force: true }));

  test("what was acknowledged is there after the process is gone without a goodbye", async () => {
    const states = create();
    await states.commit("prj_a", (db) => db.prepare(INSERT).run("k", Buffer.from("v")));
    // A second connection sees only what the first has committed to the files.
    const other = create();
    expect(other.read("prj_a").prepare(COUNT).get()).toEqual({ count: 1 });
    other.close();
    states.close();
  });

  test("commits sync the disk", () => {
    const states = create();
    const FULL = 2;
    expect(states.read("prj_a").pragma("synchronous", { simple: true })).toBe(FULL);
    expect(states.read("prj_a").pragma("journal_mode", { simple: true })).toBe("wal");
    states.close();
  });

  test("works of one turn share a commit, and one that throws undoes itself only", async () => {
    const states = create();
    const db = states.read("prj_a");
    const before = db.prepare("PRAGMA data_version").get();
    const results = await Promise.allSettled([
      states.commit("prj_a", (state) => state.prepare(INSERT).run("one", Buffer.from("1"))),
      states.commit("prj_a", (state) => {
        state.prepare(INSERT).run("two", Buffer.from("2"));
        throw new Error("no");
      }),
      states.commit("prj_a", (state) => {
        state.prepare(INSERT).run("three", Buffer.from("3"));
        return "done";
      }),
    ]);
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[2]).toMatchObject({ value: "done" });
    expect(db.prepare("SELECT key FROM kv_entries ORDER BY key").pluck().all()).toEqual(["one", "three"]);
    expect(db.prepare("PRAGMA data_version").get()).toEqual(before);
    states.close();
  });

  test("a work sees what the works before it did", async () => {
    const states = create();
    const first = states.commit("prj_a", (db) => db.prepare(INSERT).run("k", Buffer.from("v")));
    const second = states.commit("prj_a", (db) => db.prepare(COUNT).get());
    expect(await second).toEqual({ count: 1 });
    await first;
    states.close();
  });

  test("no promise settles before the commit", async () => {
    const states = create();
    const seen: string[] = [];
    const reader = create();
    const committed = (db = reader.read("prj_a")) => (db.prepare(COUNT).get() as { count: number }).count;
    states.read("prj_a");
    const all = Array.from({ length: 3 }, (_, index) =>
      states
        .commit("prj_a", (db) => db.prepare(INSERT).run(`k${index}`, Buffer.from("v")))
        .then(() => seen.push(`${index}: ${committed()}`)),
    );
    await Promise.all(all);
    expect(seen).toEqual(["0: 3", "1: 3", "2: 3"]);
    states.close();
    reader.close();
  });

  test("more works than fit into one commit all run, in order", async () => {
    const states = create();
    const works = Array.from({ length: 1300 }, (_, index) =>
      states.commit("prj_a", (db) => Number(db.prepare(INSERT).run(`k${index}`, Buffer.from("v")).lastInsertRowid)),
    );
    const rowids = await Promise.all(works);
    expect(rowids).toEqual(rowids.toSorted((a, b) => a - b));
    expect(states.read("prj_a").prepare(COUNT).get()).toEqual({ count: 1300 });
    states.close();
  });

  test("the file is unreadable without its own key", async () => {
    const states = create();
    await states.commit("prj_a", (db) => db.prepare(INSERT).run("k", Buffer.from("a readable sentence")));
    states.close();
    const path = join(hostDir, "projects", "prj_a", "state.sqlite");
    const bytes = readFileSync(path);
    expect(bytes.includes("readable sentence")).toBe(false);
    expect(bytes.includes("SQLite format 3")).toBe(false);
    const other = createStateDatabases({ hostDir, keyFor: () => randomBytes(32), clock });
    expect(() => other.read("prj_a")).toThrow("file is not a database");
  });

  test("no more than maxOpen stay open; the one used longest ago goes first, and its data stays", async () => {
    const states = create(2);
    await states.commit("prj_a", (db) => db.prepare(INSERT).run("k", Buffer.from("v")));
    states.read("prj_b");
    states.read("prj_a");
    states.read("prj_c");
    expect(states.openProjects().sort()).toEqual(["prj_a", "prj_c"]);
    states.read("prj_b");
    expect(states.openProjects()).not.toContain("prj_a");
    expect(states.read("prj_a").prepare(COUNT).get()).toEqual({ count: 1 });
    states.close();
  });

  test("a database with waiting works is not closed to make room", async () => {
    const states = create(1);
    const work = states.commit("prj_a", (db) => db.prepare(INSERT).run("k", Buffer.from("v")).changes);
    states.read("prj_b");
    expect(await work).toBe(1);
    states.close();
  });

  test("idle databases close, used ones stay", () => {
    const states = create();
    states.read("prj_a");
    clock.advance(1000);
    states.read("prj_b");
    states.closeIdle(clock.now());
    expect(states.openProjects()).toEqual(["prj_b"]);
    states.close();
  });

  test("upkeep neither opens a database nor keeps it from being idle", async () => {
    const states = create();
    const work = () => "done";
    expect(states.commitIfOpen("prj_a", work)).toBeUndefined();
    states.read("prj_a");
    clock.advance(1000);
    expect(await states.commitIfOpen("prj_a", work)).toBe("done");
    states.closeIdle(clock.now());
    expect(states.openProjects()).toEqual([]);
  });

  test("a deleted project's state is gone", async () => {
    const states = create();
    await states.commit("prj_a", (db) => db.prepare(INSERT).run("k", Buffer.from("v")));
    states.delete("prj_a");
    expect(existsSync(join(hostDir, "projects", "prj_a", "state.sqlite"))).toBe(false);
    expect(states.read("prj_a").prepare(COUNT).get()).toEqual({ count: 0 });
    states.close();
  });

  test.each(["", "..", "a/b", "../x", "a\0b", "x".repeat(65)])("'%s' is no project id", (projectId) => {
    const states = create();
    expect(() => states.read(projectId)).toThrow("is no project id");
    expect(() => states.delete(projectId)).toThrow("is no project id");
  });

  test("a file of a newer version is refused, not changed", () => {
    const states = create();
    states.read("prj_a").pragma("user_version = 99");
    states.close();
    expect(() => create().read("prj_a")).toThrow("schema version 99");
  });
});
