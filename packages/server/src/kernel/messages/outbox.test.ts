import { randomBytes } from "node:crypto";
import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { createEnvelope } from "../crypto/envelope.ts";
import { createLogger } from "../log.ts";
import { migrate } from "../sql/index.ts";
import { describeEachDialect } from "../sql/testing.ts";
import { DeliveryError, type Message, type MessageSender } from "./message.ts";
import { createOutbox } from "./outbox.ts";
import { type OutboxTables, outboxMigrations } from "./tables.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const NEW = {
  projectId: null,
  channel: "mail",
  kind: "code",
  to: "ada@example.com",
  subject: "Code",
  text: "Your code is 123456.",
  usefulForMs: 60 * MINUTE_MS,
} as const;

describeEachDialect("the outbox", (openDatabase) => {
  async function open(send: ((message: Message, id: string) => Promise<void>) | null) {
    const sql = await openDatabase();
    const projects = {
      "0003_projects": {
        async up(db: Parameters<(typeof outboxMigrations)[string]["up"]>[0], types: { text: never }) {
          await db.schema
            .createTable("projects")
            .addColumn("id", types.text, (column) => column.primaryKey())
            .execute();
        },
      },
    } as unknown as typeof outboxMigrations;
    await migrate(sql, "test", { ...projects, ...outboxMigrations });
    const clock = createManualClock(Date.UTC(2026, 5, 1));
    const lines: string[] = [];
    const sender: MessageSender | null = send === null ? null : { name: "double", send };
    const options = {
      sql,
      clock,
      envelope: createEnvelope([{ id: "test", key: randomBytes(32) }]),
      findSender: async () => sender,
      log: createLogger({ level: "debug", destination: { write: (line) => void lines.push(line) } }),
    };
    const outbox = createOutbox(options);
    const list = async () => (await outbox.list(null, { limit: 50 })).items;
    return { outbox, another: () => createOutbox(options), clock, list, lines, sql: sql.withTables<OutboxTables>() };
  }

  it("sends what is put in, and forgets the text once it was taken", async () => {
    const sent: [Message, string][] = [];
    const { outbox, list } = await open(async (message, id) => void sent.push([message, id]));
    await outbox.put(NEW);
    await outbox.idle();
    expect(sent).toEqual([
      [{ channel: "mail", to: NEW.to, subject: "Code", text: NEW.text }, expect.stringMatching(/^msg_/)],
    ]);
    expect(await list()).toMatchObject([{ status: "sent", sender: "double", message: null }]);
  });

  it("P27 keeps what waits sealed, and shows the server's log neither code nor address", async () => {
    const { outbox, list, sql, lines } = await open(null);
    await outbox.put(NEW);
    expect(await list()).toMatchObject([{ status: "held", message: { to: NEW.to, text: NEW.text } }]);
    const stored = JSON.stringify(await sql.db.selectFrom("outbox_messages").selectAll().execute());
    for (const secret of ["123456", "ada@example.com"]) {
      expect(stored).not.toContain(secret);
      expect(lines.join()).not.toContain(secret);
    }
    expect(lines.join()).toContain("no sender is configured");
  });

  it("tries again after a bad moment, later each time, and under the same id", async () => {
    const ids: string[] = [];
    const { outbox, clock, list } = await open(async (_, id) => {
      ids.push(id);
      if (ids.length < 3) throw new DeliveryError("busy", true);
    });
    await outbox.put(NEW);
    await outbox.idle();
    expect(await list()).toMatchObject([{ status: "queued", error: "busy", attempts: 1 }]);
    await outbox.deliverDue();
    expect(ids).toHaveLength(1);
    clock.advance(MINUTE_MS);
    await outbox.deliverDue();
    clock.advance(3 * MINUTE_MS);
    await outbox.deliverDue();
    expect(new Set(ids).size).toBe(1);
    expect(await list()).toMatchObject([{ status: "sent", attempts: 3 }]);
  });

  it("gives up on what is refused for good, and on what has lost its use", async () => {
    let temporary = false;
    const { outbox, clock, list } = await open(async () => {
      throw new DeliveryError("no", temporary);
    });
    await outbox.put(NEW);
    await outbox.idle();
    expect(await list()).toMatchObject([{ status: "failed", error: "no", message: { to: NEW.to } }]);
    clock.advance(1);
    temporary = true;
    await outbox.put({ ...NEW, usefulForMs: MINUTE_MS });
    await outbox.idle();
    clock.advance(2 * MINUTE_MS);
    await outbox.deliverDue();
    expect((await list())[0]).toMatchObject({ status: "failed", error: "It could not be sent in time." });
  });

  it("sends once although two servers look at once, and again what a crashed one took", async () => {
    let count = 0;
    let hang = true;
    const { outbox, another, clock, list } = await open(async () => {
      count++;
      if (hang) await new Promise(() => undefined);
    });
    await outbox.put(NEW);
    while (count === 0) await new Promise((resolve) => setImmediate(resolve));
    hang = false;
    const second = another();
    await second.deliverDue();
    expect(count).toBe(1);
    clock.advance(3 * MINUTE_MS);
    await Promise.all([second.deliverDue(), another().deliverDue()]);
    expect(count).toBe(2);
    expect(await list()).toMatchObject([{ status: "sent" }]);
  });

  it("forgets everything after a week", async () => {
    const { outbox, clock, list } = await open(null);
    await outbox.put(NEW);
    clock.advance(7 * DAY_MS);
    await outbox.removeExpired();
    expect(await list()).toEqual([]);
  });

  it("keeps a project's newest thousand", async () => {
    const { outbox, clock, sql } = await open(null);
    await outbox.put(NEW);
    const [row] = await sql.db.selectFrom("outbox_messages").selectAll().execute();
    if (row === undefined) throw new Error("nothing was put in");
    const rows = Array.from({ length: 1_009 }, (_, n) => ({ ...row, id: `msg_${String(n).padStart(6, "0")}` }));
    await sql.db.deleteFrom("outbox_messages").execute();
    await sql.insertMany("outbox_messages", rows);
    clock.advance(1);
    await outbox.removeExpired();
    const left = await sql.db.selectFrom("outbox_messages").select("id").orderBy("id").execute();
    expect(left).toHaveLength(1_000);
    expect(left[0]?.id).toBe("msg_000009");
  });
});
