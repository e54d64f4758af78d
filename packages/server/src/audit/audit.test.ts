import { createManualClock } from "@aerostack/kernel";
import { sql as raw } from "kysely";
import { describe, expect, it } from "vitest";
import { runInCallContext } from "../kernel/call-context.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { createTestSecrets, TEST_START_MS } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { canonicalJson } from "./canonical-json.ts";
import { createAuditChain } from "./chain.ts";
import { createCheckpointSigner } from "./checkpoint.ts";
import { createSecretMask } from "./mask-secrets.ts";
import { createAuditRecorder } from "./record.ts";
import type { AuditTables } from "./tables.ts";
import { verifyChain } from "./verify.ts";

const HOUR_MS = 60 * 60_000;

describeEachControlDatabase("the audit log", (openDatabase, dialect) => {
  const secrets = createTestSecrets();

  async function start(untyped?: Sql<unknown>) {
    const sql = untyped ?? (await openDatabase());
    const clock = createManualClock(TEST_START_MS);
    const signer = createCheckpointSigner(secrets.signingKeys);
    const audit = createAuditRecorder({ sql, clock, mask: createSecretMask() });
    const chain = createAuditChain({ sql, clock, signer });
    async function write(count: number) {
      for (let index = 0; index < count; index++) {
        clock.advance(1);
        await audit.record(null, {
          action: "project.renamed",
          target: { kind: "project", id: `prj_${index}` },
          before: { name: "a" },
          after: { name: `b${index}` },
        });
      }
      await chain.extend();
    }
    const verify = (knownEnd?: { seq: number; hash: string }) => verifyChain({ sql, clock, signer, knownEnd });
    const tables = sql.withTables<AuditTables>();
    return { sql, tables, db: tables.db, clock, signer, audit, chain, write, verify };
  }

  /** What somebody does who owns the database: past the triggers. */
  async function tamper(sql: Sql<unknown>, statement: string): Promise<void> {
    if (dialect === "sqlite") {
      for (const table of ["audit_entries", "audit_chain", "audit_checkpoints"]) {
        for (const event of ["update", "delete"]) {
          await raw`drop trigger if exists ${raw.id(`${table}_no_${event}`)}`.execute(sql.db);
        }
      }
      await raw.raw(statement).execute(sql.db);
      return;
    }
    await sql.db.connection().execute(async (connection) => {
      await raw`set session_replication_role = replica`.execute(connection);
      await raw.raw(statement).execute(connection);
      await raw`set session_replication_role = origin`.execute(connection);
    });
  }

  it("is refused every change and every removal by the database itself", async () => {
    const { sql, write, db } = await start();
    await write(2);
    for (const table of ["audit_entries", "audit_chain", "audit_checkpoints"]) {
      const column = table === "audit_entries" ? "action" : "hash";
      await expect(raw.raw(`update ${table} set ${column} = 'x'`).execute(sql.db)).rejects.toThrow("append-only");
      await expect(raw.raw(`delete from ${table}`).execute(sql.db)).rejects.toThrow("append-only");
      if (dialect === "postgres") {
        await expect(raw.raw(`truncate ${table}`).execute(sql.db)).rejects.toThrow("append-only");
      }
    }
    expect(await db.selectFrom("audit_entries").selectAll().execute()).toHaveLength(2);
  });

  it("is whole after any number of entries, over several batches and checkpoints", async () => {
    const { tables, write, verify, chain, clock } = await start();
    expect(await verify()).toMatchObject({ valid: true, entries: 0 });
    await write(3);
    const rows = Array.from({ length: 1_300 }, (_, index) => ({
      id: `aud_z${String(index).padStart(6, "0")}`,
      time: clock.now(),
      actor_kind: "system",
      action: "test.made",
      target_kind: "test",
    }));
    await tables.insertMany("audit_entries", rows);
    await chain.extend();
    expect(await verify()).toMatchObject({ valid: true, entries: 1_303, checkpoints: 2, pending: 0, broken: null });
  });

  const TAMPERINGS: readonly (readonly [what: string, statement: string, expected: object])[] = [
    [
      "a changed entry",
      "update audit_entries set action = 'nothing.happened' where id = (select entry_id from audit_chain where seq = 4)",
      { seq: 4, fault: "entry_changed" },
    ],
    [
      "a changed actor",
      "update audit_entries set actor_id = 'usr_other' where id = (select entry_id from audit_chain where seq = 6)",
      { seq: 6, fault: "entry_changed" },
    ],
    [
      "a removed entry",
      "delete from audit_entries where id = (select entry_id from audit_chain where seq = 5)",
      { seq: 5, fault: "entry_missing" },
    ],
    ["a removed link", "delete from audit_chain where seq = 3", { seq: 3, fault: "link_missing" }],
    [
      "a changed hash",
      `update audit_chain set hash = '${"0".repeat(64)}' where seq = 2`,
      { seq: 2, fault: "entry_changed" },
    ],
    ["an end that was cut off", "delete from audit_chain where seq > 8", { seq: 9, fault: "truncated" }],
    [
      "an end that was cut off with the head set back",
      "update audit_head set seq = 1, hash = (select hash from audit_chain where seq = 1)",
      { seq: 10, fault: "head_broken" },
    ],
    ["a changed checkpoint", "update audit_checkpoints set hash = 'x'", { seq: 10, fault: "checkpoint_broken" }],
    ["a removed end", "delete from audit_head", { seq: null, fault: "head_broken" }],
  ];
  for (const [what, statement, expected] of TAMPERINGS) {
    it(`tells ${what}, and which entry is the first that is broken`, async () => {
      const { sql, write, verify } = await start();
      await write(10);
      await tamper(sql, statement);
      expect(await verify()).toMatchObject({ valid: false, broken: expected });
    });
  }

  it("tells a past that was computed anew up to the end, because its checkpoints are signed", async () => {
    const { sql, db, write, verify, chain } = await start();
    await write(10);
    await tamper(
      sql,
      "update audit_entries set action = 'nothing.happened' where id = (select entry_id from audit_chain where seq = 4)",
    );
    await tamper(sql, "delete from audit_chain");
    await db
      .updateTable("audit_head")
      .set({ seq: 0, hash: "0".repeat(64) })
      .execute();
    await tamper(sql, "insert into audit_pending select id from audit_entries");
    // Even by the server itself, which signs the new head.
    await chain.extend();
    expect(await verify()).toMatchObject({ valid: false, broken: { seq: 10, fault: "checkpoint_broken" } });
  });

  it("tells that it is older than an end that somebody noted down", async () => {
    const { write, verify } = await start();
    await write(5);
    const { seq, hash } = await verify();
    expect(await verify({ seq, hash })).toMatchObject({ valid: true });
    expect(await verify({ seq: seq + 3, hash })).toMatchObject({ valid: false, broken: { fault: "truncated" } });
    expect(await verify({ seq: 3, hash })).toMatchObject({ valid: false, broken: { seq: 3 } });
  });

  it("tells an entry that stays outside of the chain", async () => {
    const { sql, clock, audit, write, verify } = await start();
    await write(2);
    await audit.record(null, { action: "test.made", target: { kind: "test", id: null } });
    expect(await verify()).toMatchObject({ valid: true, pending: 1 });
    await tamper(sql, "delete from audit_pending");
    clock.advance(HOUR_MS);
    expect(await verify()).toMatchObject({ valid: false, broken: { seq: null, fault: "entry_not_chained" } });
  });

  it("stays whole when several servers write and chain at once", async () => {
    const first = await start();
    const second = await start(first.sql);
    const write = ({ audit, chain, sql }: typeof first, name: string) =>
      Promise.all(
        Array.from({ length: 40 }, async (_, index) => {
          await sql.transaction((trx) =>
            audit.record(trx, { action: "test.made", target: { kind: name, id: String(index) } }),
          );
          await chain.extend();
        }),
      );
    await Promise.all([write(first, "first"), write(second, "second")]);
    expect(await first.verify()).toMatchObject({ valid: true, entries: 80, pending: 0 });
  });

  it("holds nothing of a change that was not made", async () => {
    const { sql, db, audit } = await start();
    const failing = sql.transaction(async (trx) => {
      await audit.record(trx, { action: "test.made", target: { kind: "test", id: null } });
      throw new Error("the change failed");
    });
    await expect(failing).rejects.toThrow("the change failed");
    expect(await db.selectFrom("audit_entries").selectAll().execute()).toEqual([]);
    expect(await db.selectFrom("audit_pending").selectAll().execute()).toEqual([]);
  });

  it("says who, from where and for which request, from the call that runs", async () => {
    const { db, audit } = await start();
    const context = {
      requestId: "r1",
      ip: "192.0.2.1",
      region: "DE",
      userAgent: "cli/1 \0 \ud800",
      actor: { kind: "account", id: "usr_1", credentialId: "ses_1" } as const,
      recordedActions: [],
    };
    await runInCallContext(context, () =>
      audit.record(null, { action: "key.created", target: { kind: "key", id: "key_1" }, projectId: "prj_1" }),
    );
    await audit.record(null, { action: "key.expired", target: { kind: "key", id: "key_1" } });
    expect(await db.selectFrom("audit_entries").selectAll().orderBy("action").execute()).toMatchObject([
      {
        actor_kind: "account",
        actor_id: "usr_1",
        credential_id: "ses_1",
        ip: "192.0.2.1",
        region: "DE",
        user_agent: "cli/1 \uFFFD \uFFFD",
        request_id: "r1",
        project_id: "prj_1",
      },
      { actor_kind: "system", actor_id: null, ip: null },
    ]);
    expect(context.recordedActions).toEqual(["key.created"]);
  });

  it("is kept small: a change of megabytes is told by its length", async () => {
    const { db, audit } = await start();
    await audit.record(null, {
      action: "test.made",
      target: { kind: "test", id: null },
      after: { text: "x".repeat(1_000_000) },
    });
    const [row] = await db.selectFrom("audit_entries").selectAll().execute();
    expect(row?.after).toMatch(/^\{"omittedCharacters":\d+\}$/);
  });
});

describe("canonical JSON", () => {
  it("is the same text for the same value", () => {
    expect(canonicalJson({ b: [1, { d: null, c: "é" }], a: undefined, "1": 1e21 })).toBe(
      '{"1":1e+21,"b":[1,{"c":"é","d":null}]}',
    );
    expect(canonicalJson(JSON.parse('{"__proto__":1}'))).toBe('{"__proto__":1}');
  });
});
