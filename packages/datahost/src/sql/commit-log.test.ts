import { beforeEach, describe, expect, test } from "vitest";
import { Database, type SqliteDatabase } from "../state/sqlite-driver.ts";
import { COMMIT_LOG_SCHEMA, createCommitLog, MAX_SLOTS } from "./commit-log.ts";

const START = Date.parse("2026-06-01T12:00:00Z");
const MINUTE_MS = 60_000;
let db: SqliteDatabase;
let now: number;
const open = () => createCommitLog(db, () => now);
const write = (writeId: string) => ({ writeId, changes: 1, lastRowId: 7 });

beforeEach(() => {
  db = new Database(":memory:");
  db.exec(COMMIT_LOG_SCHEMA);
  now = START;
});

describe("the commit log", () => {
  test("remembers all of a minute, and says of others for certain that they were not committed", () => {
    const log = open();
    for (let at = 0; at < 500; at++) {
      now += 100;
      log.append([write(`a${at}`), write(`b${at}`)]);
    }
    const later = open();
    for (const writeId of ["a0", "b0", "a250", "b499"]) expect(later.find(writeId, START)).toEqual(write(writeId));
    for (const writeId of ["a", "a500", "0"]) expect(later.find(writeId, START)).toBeUndefined();
  });

  test("uses the rows of commits that are older than a minute again", () => {
    const log = open();
    for (let at = 0; at < 200; at++) {
      now += 10_000;
      log.append([write(`w${at}`)]);
    }
    expect(db.prepare("SELECT count(*) FROM _cf_aero_commits").pluck().get()).toBeLessThanOrEqual(16);
    expect(log.find("w199", now)).toEqual(write("w199"));
    expect(log.find("other", now - MINUTE_MS)).toBeUndefined();
  });

  test("where more was committed than it holds, says that it cannot tell rather than that it was not committed", () => {
    const log = open();
    for (let at = 0; at < 2 * MAX_SLOTS; at++) {
      now += 1;
      log.append([write(`w${at}`)]);
    }
    const count = db.prepare("SELECT count(*) FROM _cf_aero_commits").pluck().get();
    expect(count).toBe(MAX_SLOTS);
    expect(() => log.find("w5", START)).toThrow(expect.objectContaining({ code: "DB_WRITE_UNCERTAIN" }));
    expect(log.find("w2000", START)).toEqual(write("w2000"));
    expect(log.find("other", now - 500)).toBeUndefined();
  });

  test("goes on from what another process wrote, also where that one's clock is ahead", () => {
    const mine = open();
    mine.append([write("mine")]);
    const others = createCommitLog(db, () => now + MINUTE_MS);
    for (let at = 0; at < 40; at++) others.append([write(`other${at}`)]);
    mine.forget();
    mine.append([write("mine again")]);
    others.forget();
    others.append([write("last")]);
    for (const writeId of ["mine", "other0", "other39", "mine again", "last"]) {
      expect(open().find(writeId, START)).toEqual(write(writeId));
    }
  });

  test("goes on with a log whose rows were numbered and not timed", () => {
    db.exec("DELETE FROM _cf_aero_commits");
    const put = db.prepare("INSERT INTO _cf_aero_commits (slot, seq, ids) VALUES (?, ?, ?)");
    for (let seq = 30; seq < 46; seq++) put.run(seq % 16, seq, `w${seq}|1|7\n`);
    const log = open();
    expect(log.find("w45", START)).toEqual(write("w45"));
    expect(log.find("other", START)).toBeUndefined();
    for (let at = 0; at < 10; at++) log.append([write(`new${at}`)]);
    for (const writeId of ["w45", "new0", "new9"]) expect(log.find(writeId, START)).toEqual(write(writeId));
  });
});
