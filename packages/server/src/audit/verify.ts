import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "@aerostack/kernel";
import type { Sql } from "../kernel/sql/index.ts";
import { chainHash } from "./chain.ts";
import type { CheckpointSigner } from "./checkpoint.ts";
import { type AuditEntryRow, type AuditTables, CHAIN_START } from "./tables.ts";

export type ChainFault =
  | "entry_missing"
  | "entry_changed"
  | "link_missing"
  | "checkpoint_broken"
  | "head_broken"
  | "truncated"
  | "entry_not_chained";

export interface BrokenLink {
  /** Place in the chain; null for an entry that is not in it. */
  readonly seq: number | null;
  readonly entryId: string | null;
  readonly fault: ChainFault;
}

export interface Verification {
  readonly valid: boolean;
  /** Entries of the chain that were found in order. */
  readonly entries: number;
  readonly checkpoints: number;
  /** Hash of the last entry: keep it elsewhere, and a later verification can be held against it. */
  readonly seq: number;
  readonly hash: string;
  /** Entries that are so new that they are not in the chain yet. */
  readonly pending: number;
  /** The first fault. */
  readonly broken: BrokenLink | null;
}

/** An end of the chain that somebody noted down before. */
export interface KnownEnd {
  readonly seq: number;
  readonly hash: string;
}

const BATCH_SIZE = 1_000;
/** An entry is in the chain some hundred milliseconds after its commit; a server that died leaves it to the next start. */
const MAX_PENDING_MS = 10 * 60_000;

export interface VerifyOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly signer: CheckpointSigner;
  readonly knownEnd?: KnownEnd | undefined;
}

/**
 * Computes the chain anew and holds it against what is stored, the signed checkpoints, and the signed end. Reads in
 * batches; between them other requests are served.
 */
export async function verifyChain({ sql: untyped, clock, signer, knownEnd }: VerifyOptions): Promise<Verification> {
  const { db } = untyped.withTables<AuditTables>();
  // The end is read first: what is added meanwhile is beyond it and not looked at.
  const head = await db.selectFrom("audit_head").selectAll().where("id", "=", 1).executeTakeFirst();
  let seq = 0;
  let hash = CHAIN_START;
  let checkpoints = 0;

  async function firstFault(): Promise<BrokenLink | null> {
    if (head === undefined) return { seq: null, entryId: null, fault: "head_broken" };
    const signed = { seq: head.seq, hash: head.hash, signedAtMs: head.signed_at };
    const isEmpty = head.seq === 0 && head.hash === CHAIN_START;
    const headIsSigned = isEmpty || signer.verify("head", signed, head.signature);
    for (;;) {
      const links = await db
        .selectFrom("audit_chain")
        .leftJoin("audit_entries", "audit_entries.id", "audit_chain.entry_id")
        .select(["audit_chain.seq", "audit_chain.entry_id", "audit_chain.hash"])
        .selectAll("audit_entries")
        .where("audit_chain.seq", ">", seq)
        .where("audit_chain.seq", "<=", headIsSigned ? head.seq : Number.MAX_SAFE_INTEGER)
        .orderBy("audit_chain.seq")
        .limit(BATCH_SIZE)
        .execute();
      const marks = await checkpointsWithin(seq, links.at(-1)?.seq ?? seq);
      for (const { seq: found, entry_id, hash: stored, ...entry } of links) {
        if (found !== seq + 1) return { seq: seq + 1, entryId: null, fault: "link_missing" };
        if (entry.id === null) return { seq: found, entryId: entry_id, fault: "entry_missing" };
        const computed = chainHash(hash, entry as AuditEntryRow);
        if (computed !== stored) return { seq: found, entryId: entry_id, fault: "entry_changed" };
        const mark = marks.get(found);
        if (mark !== undefined) {
          const end = { seq: found, hash: computed, signedAtMs: mark.signed_at };
          if (mark.hash !== computed || !signer.verify("checkpoint", end, mark.signature)) {
            return { seq: found, entryId: entry_id, fault: "checkpoint_broken" };
          }
          checkpoints++;
        }
        if (knownEnd?.seq === found && knownEnd.hash !== computed) {
          return { seq: found, entryId: entry_id, fault: "checkpoint_broken" };
        }
        seq = found;
        hash = computed;
      }
      if (links.length < BATCH_SIZE) break;
      await nextTurn();
    }
    const beyond = await db
      .selectFrom("audit_checkpoints")
      .select("seq")
      .where("seq", ">", seq)
      .orderBy("seq", "desc")
      .limit(1)
      .executeTakeFirst();
    const known = Math.max(head.seq, knownEnd?.seq ?? 0);
    // A checkpoint may have been added since the end was read; its entries then are there.
    const isCut = known > seq || (beyond !== undefined && !(await linkExists(beyond.seq)));
    if (isCut) return { seq: seq + 1, entryId: null, fault: "truncated" };
    if (!headIsSigned || (head.seq === seq && head.hash !== hash)) return { seq, entryId: null, fault: "head_broken" };
    return await oldEntryOutsideChain();
  }

  async function checkpointsWithin(after: number, last: number) {
    const rows = await db
      .selectFrom("audit_checkpoints")
      .selectAll()
      .where("seq", ">", after)
      .where("seq", "<=", last)
      .execute();
    return new Map(rows.map((row) => [row.seq, row]));
  }

  async function linkExists(at: number): Promise<boolean> {
    return (await db.selectFrom("audit_chain").select("seq").where("seq", "=", at).executeTakeFirst()) !== undefined;
  }

  /** An entry that was written past the chain, or whose link was removed. */
  async function oldEntryOutsideChain(): Promise<BrokenLink | null> {
    const row = await db
      .selectFrom("audit_entries")
      .leftJoin("audit_chain", "audit_chain.entry_id", "audit_entries.id")
      .select("audit_entries.id")
      .where("audit_chain.seq", "is", null)
      .where("audit_entries.time", "<", clock.now() - MAX_PENDING_MS)
      .orderBy("audit_entries.id")
      .limit(1)
      .executeTakeFirst();
    return row === undefined ? null : { seq: null, entryId: row.id, fault: "entry_not_chained" };
  }

  const broken = await firstFault();
  const { count } = await db
    .selectFrom("audit_pending")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return { valid: broken === null, entries: seq, checkpoints, seq, hash, pending: count, broken };
}
