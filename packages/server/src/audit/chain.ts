import { hash } from "node:crypto";
import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Sql } from "../kernel/sql/index.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { CheckpointSigner } from "./checkpoint.ts";
import type { AuditEntryRow, AuditTables } from "./tables.ts";

/** Adds committed entries to the chain, in the order in which they are found. */
export interface AuditChain {
  /** Resolves when every entry that was committed before is in the chain. */
  extend(): Promise<void>;
}

const BATCH_SIZE = 500;
/** So many entries, or this long, at most between two checkpoints that stay. */
const CHECKPOINT_ENTRIES = 1_000;
const CHECKPOINT_AGE_MS = 60 * 60_000;

/** The hash of an entry: of the hash before it and everything that is stored of it. */
export function chainHash(previousHash: string, entry: AuditEntryRow): string {
  return hash("sha256", `${previousHash}\n${canonicalJson(entry)}`, "hex");
}

export interface AuditChainOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly signer: CheckpointSigner;
}

export function createAuditChain({ sql: untyped, clock, signer }: AuditChainOptions): AuditChain {
  const { db } = untyped.withTables<AuditTables>();

  /** @returns how many entries were added */
  async function sealBatch(trx: Kysely<AuditTables>): Promise<number> {
    // An update takes the row's lock on both databases: one server at a time adds to the chain. What it reads after that is
    // newest, because the transaction is not a serialisable one, whose view would be older than the lock.
    const head = await trx
      .updateTable("audit_head")
      .set((eb) => ({ seq: eb.ref("seq") }))
      .where("id", "=", 1)
      .returningAll()
      .executeTakeFirstOrThrow();
    const entries = await trx
      .selectFrom("audit_pending")
      .innerJoin("audit_entries", "audit_entries.id", "audit_pending.entry_id")
      .selectAll("audit_entries")
      .orderBy("audit_pending.entry_id")
      .limit(BATCH_SIZE)
      .execute();
    if (entries.length === 0) return 0;
    let { seq } = head;
    let previous = head.hash;
    const links = entries.map((entry) => {
      previous = chainHash(previous, entry);
      return { seq: ++seq, entry_id: entry.id, hash: previous };
    });
    await untyped.withTables<AuditTables>().insertMany("audit_chain", links, { trx });
    await trx
      .deleteFrom("audit_pending")
      .where(
        "entry_id",
        "in",
        entries.map(({ id }) => id),
      )
      .execute();
    const end = { seq, hash: previous, signedAtMs: clock.now() };
    await trx
      .updateTable("audit_head")
      .set({ seq, hash: previous, signed_at: end.signedAtMs, signature: signer.sign("head", end) })
      .where("id", "=", 1)
      .execute();
    const last = await trx
      .selectFrom("audit_checkpoints")
      .select(["seq", "signed_at"])
      .orderBy("seq", "desc")
      .limit(1)
      .executeTakeFirst();
    const isDue =
      last === undefined ||
      seq - last.seq >= CHECKPOINT_ENTRIES ||
      end.signedAtMs - last.signed_at >= CHECKPOINT_AGE_MS;
    if (isDue) {
      await trx
        .insertInto("audit_checkpoints")
        .values({ seq, hash: previous, signed_at: end.signedAtMs, signature: signer.sign("checkpoint", end) })
        .execute();
    }
    return entries.length;
  }

  let sealing: Promise<void> | undefined;
  let again = false;

  async function sealAll(): Promise<void> {
    do {
      again = false;
      let added: number;
      do added = await db.transaction().execute(sealBatch);
      while (added === BATCH_SIZE);
    } while (again);
  }

  return {
    async extend() {
      // Entries that come while a batch is read may have been missed by it.
      again = true;
      sealing ??= sealAll().finally(() => {
        sealing = undefined;
      });
      await sealing;
    },
  };
}
