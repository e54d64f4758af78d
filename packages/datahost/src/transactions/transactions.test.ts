import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { failureOf, RUNAWAY_READ, type SqlUnderTest, startSql } from "../sql/sql-test-support.ts";

const SCOPE = { projectId: "prj_a", database: "main" };

let sql: SqlUnderTest;

beforeEach(async () => {
  sql = startSql({ queryTimeoutMs: 1_000, maxTransactionMs: 2_000 });
  await sql.query("CREATE TABLE accounts (id INTEGER PRIMARY KEY, balance INT)");
  await sql.query("INSERT INTO accounts VALUES (1, 100), (2, 0)");
});

afterEach(() => sql.close());

const begin = async (leaseMs?: number) =>
  (await sql.call("tx.begin", { ...SCOPE, ...(leaseMs === undefined ? {} : { leaseMs }) })).transactionId;
const inTransaction = (transactionId: string, text: string, params: (string | number)[] = []) =>
  sql.call("tx.query", { transactionId, sql: text, params });
const balances = async () => (await sql.query("SELECT balance FROM accounts ORDER BY id")).rows.flat();

describe("an interactive transaction", () => {
  test("reads, decides and writes; nobody sees it before it is committed", async () => {
    const tx = await begin();
    const [[balance]] = (await inTransaction(tx, "SELECT balance FROM accounts WHERE id = 1")).rows as [[number]];
    await inTransaction(tx, "UPDATE accounts SET balance = ? WHERE id = 1", [balance - 30]);
    await inTransaction(tx, "UPDATE accounts SET balance = balance + 30 WHERE id = 2");
    expect(await balances()).toEqual([100, 0]);
    await sql.call("tx.commit", { transactionId: tx });
    expect(await balances()).toEqual([70, 30]);
  });

  test("that is rolled back leaves nothing", async () => {
    const tx = await begin();
    await inTransaction(tx, "DELETE FROM accounts");
    await sql.call("tx.rollback", { transactionId: tx });
    expect(await balances()).toEqual([100, 0]);
  });

  test("makes other writers wait, and readers not", async () => {
    const tx = await begin();
    await inTransaction(tx, "UPDATE accounts SET balance = 1 WHERE id = 1");
    let written = false;
    const writing = sql.query("UPDATE accounts SET balance = balance + 10 WHERE id = 1").then(() => {
      written = true;
    });
    expect(await balances()).toEqual([100, 0]);
    expect(written).toBe(false);
    await sql.call("tx.commit", { transactionId: tx });
    await writing;
    expect(await balances()).toEqual([11, 0]);
  });

  test("goes on after a statement that failed", async () => {
    const tx = await begin();
    await inTransaction(tx, "UPDATE accounts SET balance = 5 WHERE id = 2");
    const error = await failureOf(inTransaction(tx, "INSERT INTO accounts VALUES (3, 1), (1, 1)"));
    expect(error.message).toContain("UNIQUE constraint failed");
    await sql.call("tx.commit", { transactionId: tx });
    expect(await balances()).toEqual([100, 5]);
  });

  test("may change the schema, and undoes that too", async () => {
    const tx = await begin();
    await inTransaction(tx, "ALTER TABLE accounts ADD COLUMN owner DEFAULT 'x'");
    expect((await inTransaction(tx, "SELECT owner FROM accounts WHERE id = 1")).rows).toEqual([["x"]]);
    await sql.call("tx.rollback", { transactionId: tx });
    expect((await failureOf(sql.query("SELECT owner FROM accounts"))).message).toBe("no such column: owner");
  });

  test("of a read-only mode keeps the schema", async () => {
    const { transactionId } = await sql.call("tx.begin", { ...SCOPE, mode: "data" });
    const error = await failureOf(inTransaction(transactionId, "CREATE TABLE x (a)"));
    expect(error).toMatchObject({ code: "DB_STATEMENT_REFUSED" });
    await sql.call("tx.commit", { transactionId });
  });

  test("whose lease ends is rolled back; its caller is told, the next writer goes on", async () => {
    const tx = await begin(50);
    await inTransaction(tx, "UPDATE accounts SET balance = 0 WHERE id = 1");
    await sql.query("UPDATE accounts SET balance = balance + 1 WHERE id = 1");
    expect(await balances()).toEqual([101, 0]);
    expect(await failureOf(inTransaction(tx, "SELECT 1"))).toMatchObject({ code: "DB_TRANSACTION_EXPIRED" });
    expect(await failureOf(sql.call("tx.commit", { transactionId: tx }))).toMatchObject({
      code: "DB_TRANSACTION_EXPIRED",
    });
    await expect(sql.call("tx.rollback", { transactionId: tx })).resolves.toBeNull();
  });

  test("with a statement that does not end is killed when its lease ends", async () => {
    const tx = await begin(200);
    await inTransaction(tx, "UPDATE accounts SET balance = 0 WHERE id = 1");
    expect(await failureOf(inTransaction(tx, RUNAWAY_READ))).toMatchObject({ code: "DB_TRANSACTION_EXPIRED" });
    await sql.query("UPDATE accounts SET balance = balance + 1 WHERE id = 2");
    expect(await balances()).toEqual([100, 1]);
  });

  test("with a statement over the time limit is over", async () => {
    const tx = await begin(2_000);
    expect(await failureOf(inTransaction(tx, RUNAWAY_READ))).toMatchObject({ code: "DB_QUERY_TIMEOUT" });
    expect(await failureOf(inTransaction(tx, "SELECT 1"))).toMatchObject({ code: "DB_TRANSACTION_EXPIRED" });
  });

  test("gets no longer lease than there is", async () => {
    const { leaseMs, transactionId } = await sql.call("tx.begin", { ...SCOPE, leaseMs: 60_000 });
    expect(leaseMs).toBe(2_000);
    await sql.call("tx.rollback", { transactionId });
  });

  test("runs its statements one after the other, in the order of their arrival", async () => {
    const tx = await begin();
    const sent = Array.from({ length: 20 }, (_, at) =>
      inTransaction(tx, "UPDATE accounts SET balance = balance * 2 + ? WHERE id = 2", [at % 2]),
    );
    await Promise.all(sent);
    await sql.call("tx.commit", { transactionId: tx });
    let expected = 0;
    for (let at = 0; at < 20; at++) expected = expected * 2 + (at % 2);
    expect(await balances()).toEqual([100, expected]);
  });

  test("of one database does not hold up another", async () => {
    const tx = await begin();
    await sql.query("CREATE TABLE t (a)", [], { database: "other" });
    await sql.query("INSERT INTO t VALUES (1)", [], { database: "other" });
    await sql.call("tx.rollback", { transactionId: tx });
  });

  test("that is open when everything closes is rolled back", async () => {
    const tx = await begin();
    await inTransaction(tx, "DELETE FROM accounts");
    await sql.reopen();
    expect(await balances()).toEqual([100, 0]);
  });
});
