import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createD1BindingHandler } from "./d1-binding.ts";
import { type D1WorkerdUnderTest, startD1Workerd } from "./d1-workerd-test-support.ts";
import { createTestEngine, type TestEngine } from "./test-engine.ts";

describe("env.DB.transaction() in workerd", () => {
  let engine: TestEngine;
  let workerd: D1WorkerdUnderTest;
  const defects: unknown[] = [];
  const run = <T>(body: string, input?: unknown): Promise<T> => workerd.run<T>(body, input);
  const balances = () =>
    run<number[]>(`return (await env.DB.prepare("SELECT amount FROM accounts ORDER BY id").raw()).flat();`);

  beforeAll(async () => {
    engine = createTestEngine();
    const handler = createD1BindingHandler({ engine });
    workerd = await startD1Workerd(
      (grant, database, req, res) => {
        // A test's way to end leases from inside a callback, in place of waiting for them.
        if (req.headers["x-aero-transaction"] !== undefined && expireBefore?.(req.url ?? ""))
          engine.expireTransactions();
        return handler(grant, database, req, res);
      },
      (error) => defects.push(error),
    );
  });
  afterAll(async () => {
    await workerd.close();
    engine.close();
    expect(defects).toEqual([]);
  });
  let expireBefore: ((url: string) => boolean) | undefined;
  beforeEach(async () => {
    expireBefore = undefined;
    await run(`
      await env.DB.exec("DROP TABLE IF EXISTS accounts; CREATE TABLE accounts (id INTEGER PRIMARY KEY, amount INTEGER CHECK (amount >= 0));");
      await env.DB.exec("INSERT INTO accounts (amount) VALUES (10), (0);");`);
  });

  test("commits what the callback did and gives what it returned", async () => {
    expect(
      await run(`
        return env.DB.transaction(async (tx) => {
          const amount = await tx.prepare("SELECT amount FROM accounts WHERE id = ?").bind(1).first("amount");
          await tx.prepare("UPDATE accounts SET amount = amount - ? WHERE id = 1").bind(amount).run();
          await tx.prepare("UPDATE accounts SET amount = amount + ? WHERE id = 2").bind(amount).run();
          return { moved: amount };
        });`),
    ).toEqual({ moved: 10 });
    expect(await balances()).toEqual([0, 10]);
    expect(engine.openTransactions).toBe(0);
  });

  test("undoes all of it when the callback throws, and throws the same error", async () => {
    expect(
      await run(`
        const own = new TypeError("mine");
        try {
          await env.DB.transaction(async (tx) => {
            await tx.prepare("UPDATE accounts SET amount = 99").run();
            throw own;
          });
        } catch (error) {
          return error === own;
        }`),
    ).toBe(true);
    expect(await balances()).toEqual([10, 0]);
    expect(engine.openTransactions).toBe(0);
  });

  test("a callback that throws at once is undone as well", async () => {
    await expect(run(`return env.DB.transaction(() => { throw new Error("at once"); });`)).rejects.toThrow("at once");
    expect(engine.openTransactions).toBe(0);
  });

  test("a failed statement has D1's error, and need not end the transaction", async () => {
    await expect(
      run(`return env.DB.transaction((tx) => tx.prepare("UPDATE accounts SET amount = -1").run());`),
    ).rejects.toThrow(
      "D1_ERROR: CHECK constraint failed: amount >= 0: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_CHECK)",
    );
    await run(`
      await env.DB.transaction(async (tx) => {
        await tx.prepare("UPDATE accounts SET amount = 5").run();
        await tx.prepare("SELECT * FROM nope").all().catch(() => {});
      });`);
    expect(await balances()).toEqual([5, 5]);
  });

  test("tx has all(), first(), run(), raw() and exec() with D1's results", async () => {
    expect(
      await run(`
        return env.DB.transaction(async (tx) => {
          const exec = await tx.exec("INSERT INTO accounts (amount) VALUES (1);\\nINSERT INTO accounts\\n(amount) VALUES (2);");
          const rows = tx.prepare("SELECT id, amount, x'01' AS data FROM accounts WHERE id > ?").bind(2);
          return [
            exec.count,
            (await rows.all()).results,
            await rows.first("data"),
            await rows.raw({ columnNames: true }),
            (await tx.prepare("DELETE FROM accounts WHERE id > 2").run()).meta.changes,
            Object.keys(tx),
          ];
        });`),
    ).toEqual([
      2,
      [
        { id: 3, amount: 1, data: [1] },
        { id: 4, amount: 2, data: [1] },
      ],
      [1],
      [
        ["id", "amount", "data"],
        [3, 1, [1]],
        [4, 2, [1]],
      ],
      2,
      ["prepare", "exec"],
    ]);
  });

  test("what cannot be bound is refused in D1's words", async () => {
    await expect(run(`return env.DB.transaction((tx) => tx.prepare("SELECT ?").bind({}).all());`)).rejects.toThrow(
      "D1_TYPE_ERROR: Type 'object' not supported for value '[object Object]'",
    );
  });

  test("transactions at the same time happen one after the other", async () => {
    await run(`
      await Promise.all(Array.from({ length: 8 }, () => env.DB.transaction(async (tx) => {
        const amount = await tx.prepare("SELECT amount FROM accounts WHERE id = 1").first("amount");
        await tx.prepare("UPDATE accounts SET amount = ? WHERE id = 1").bind(amount + 1).run();
      })));`);
    expect(await balances()).toEqual([18, 0]);
  });

  test("a statement that nobody waited for belongs to the transaction", async () => {
    await run(`await env.DB.transaction(async (tx) => { void tx.prepare("UPDATE accounts SET amount = 7").run(); });`);
    expect(await balances()).toEqual([7, 7]);
  });

  test.each(["return 1", "throw new Error('x')"])(
    "tx cannot be used after a callback that ends with: %s",
    async (end) => {
      await expect(
        run(`
        let kept;
        await env.DB.transaction(async (tx) => { kept = tx; ${end}; }).catch(() => {});
        return kept.prepare("UPDATE accounts SET amount = 1").run();`),
      ).rejects.toThrow("D1_ERROR: the transaction is over");
      expect(await balances()).toEqual([10, 0]);
    },
  );

  describe("when the lease ends", () => {
    test("the next statement fails and nothing is left", async () => {
      let statements = 0;
      expireBefore = (url) => url.startsWith("/tx/execute") && ++statements === 2;
      await expect(
        run(`
          return env.DB.transaction(async (tx) => {
            await tx.prepare("UPDATE accounts SET amount = 1").run();
            await tx.prepare("UPDATE accounts SET amount = 2").run();
          });`),
      ).rejects.toThrow("D1_ERROR: DB_TRANSACTION_EXPIRED: The transaction's lease ended and it was rolled back.");
      expect(await balances()).toEqual([10, 0]);
    });

    test("the commit fails, and the caller is told", async () => {
      expireBefore = (url) => url === "/tx/commit";
      await expect(
        run(`return env.DB.transaction((tx) => tx.prepare("UPDATE accounts SET amount = 1").run());`),
      ).rejects.toThrow("D1_ERROR: DB_TRANSACTION_EXPIRED");
      expect(await balances()).toEqual([10, 0]);
    });

    test("the callback's own error is thrown and not that of the rollback", async () => {
      expireBefore = (url) => url === "/tx/rollback";
      await expect(run(`return env.DB.transaction(async () => { throw new Error("mine"); });`)).rejects.toThrow("mine");
    });
  });

  test("the lease is what was asked for, five seconds otherwise", async () => {
    await run(`await env.DB.transaction(async () => {}, { leaseMs: 250 }); await env.DB.transaction(async () => {});`);
    expect(engine.leases.slice(-2)).toEqual([250, 5000]);
  });

  test.each(["0", "5001", "NaN", "'100'", "-1"])("a lease of %s is refused", async (leaseMs) => {
    const before = engine.leases.length;
    await expect(run(`return env.DB.transaction(async () => {}, { leaseMs: ${leaseMs} });`)).rejects.toThrow(
      "D1_TYPE_ERROR: leaseMs must be a number from 1 to 5000",
    );
    expect(engine.leases).toHaveLength(before);
  });

  test("without a function there is nothing to do", async () => {
    await expect(run(`return env.DB.transaction();`)).rejects.toThrow("D1_TYPE_ERROR: transaction() needs a function");
  });

  describe("inside another transaction", () => {
    test("of the same database it is refused at once, however deep, and the outer one is undone", async () => {
      await expect(
        run(`
          return env.DB.transaction(async (tx) => {
            await tx.prepare("UPDATE accounts SET amount = 1").run();
            await new Promise((resolve) => setTimeout(resolve, 0));
            await env.DB.transaction(async () => {});
          });`),
      ).rejects.toThrow("D1_ERROR: transaction() inside a transaction would wait for itself: use the tx that you have");
      expect(await balances()).toEqual([10, 0]);
    });

    test("of another database it is a transaction of its own", async () => {
      expect(
        await run(`
          return env.DB.transaction(() => env.OTHER.transaction((tx) => tx.prepare("SELECT 5 AS n").first("n")));`),
      ).toBe(5);
    });

    test("it is allowed again once the outer one is over", async () => {
      expect(
        await run(`
          let later;
          await env.DB.transaction(async () => {
            later = () => env.DB.transaction((tx) => tx.prepare("SELECT 1 AS n").first("n"));
          });
          return later();`),
      ).toBe(1);
    });
  });

  test("D1's own methods are untouched", async () => {
    expect(
      await run(
        `return [Object.keys(env.DB).includes("transaction"), typeof env.DB.prepare, typeof env.DB.withSession, typeof env.DB.batch];`,
      ),
    ).toEqual([false, "function", "function", "function"]);
  });
});
