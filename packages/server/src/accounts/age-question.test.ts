import { sql as raw } from "kysely";
import { expect, it } from "vitest";
import { createMemoryLimiter } from "../kernel/limiter/memory-limiter.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { createTestApp, TEST_PASSWORD, TEST_START_MS } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const LOCAL_PART = "kid-of-fifteen";
const NAME = "Kim Fifteen";
const refused = { email: `${LOCAL_PART}@Example.com`, password: TEST_PASSWORD, name: NAME, ageConfirmed: false };

/** Every row of every table, as one text. */
async function dump({ db }: Sql<unknown>, dialect: "sqlite" | "postgres"): Promise<string> {
  const listed =
    dialect === "sqlite"
      ? raw<{ name: string }>`select name from sqlite_master where type = 'table'`
      : raw<{
          name: string;
        }>`select table_name as name from information_schema.tables where table_schema = current_schema()`;
  const { rows: tables } = await listed.execute(db);
  expect(tables.length).toBeGreaterThan(20);
  const contents = tables.map(({ name }) => raw`select * from ${raw.table(name)}`.execute(db));
  return JSON.stringify((await Promise.all(contents)).map(({ rows }) => rows));
}

describeEachControlDatabase("the question for the age", (openDatabase, dialect) => {
  async function open() {
    const sql = await openDatabase();
    const keys: string[] = [];
    const counting = createMemoryLimiter({ clock: { now: () => TEST_START_MS } });
    const limiter: typeof counting = {
      ...counting,
      take(key, policy) {
        keys.push(key);
        return counting.take(key, policy);
      },
    };
    const test = await createTestApp(sql, { limiter, canSendMail: true });
    const register = (body: unknown) => test.call("POST", "/api/auth/register", { body });
    return { ...test, sql, keys, register };
  }

  it("P42 must be answered, and the error says how", async () => {
    const { register } = await open();
    for (const ageConfirmed of [undefined, null, "true", 1]) {
      const answer = await register({ ...refused, ageConfirmed });
      expect([answer.status, answer.body.code]).toEqual([400, "VALIDATION_ERROR"]);
      expect(answer.body.details.fieldErrors).toEqual({ ageConfirmed: [expect.stringContaining("16 or older")] });
    }
  });

  it("P42 refuses who says to be under 16, and keeps nothing of them: in no table, no log line, no limit's key", async () => {
    const { register, readMail, controlPlane, sql, keys, logLines } = await open();
    expect(await register(refused)).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    expect(await readMail()).toEqual([]);
    await controlPlane.idle();
    const kept = async () => `${await dump(sql, dialect)}${keys.join(" ")}${logLines.join(" ")}`.toLowerCase();
    for (const trace of [LOCAL_PART, NAME.toLowerCase()]) expect(await kept()).not.toContain(trace);
    expect(keys).not.toEqual([]);
    // The same search does find who was let in, so it would have found the other.
    expect((await register({ ...refused, ageConfirmed: true })).status).toBe(201);
    expect(await kept()).toContain(LOCAL_PART);
  });
});
