import { AerostackError, type CreateBlockRequest, MAX_BLOCKS_IN_FORCE } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../../audit/record.ts";
import { createCachedLookup } from "../../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import { createKeyedSnapshot } from "../../kernel/change-feed/keyed-snapshot.ts";
import { type Page, type PageRequest, toPage } from "../../kernel/page.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { AccountPrincipal } from "../../keys/principal.ts";
import type { FrontDoorTables } from "../tables.ts";
import { type BlockCheck, createBlockCheck } from "./block-check.ts";
import { type BlockFilter, type BlockRow, blockStore, stateOf } from "./block-store.ts";
import { type BlockSubject, type BlockSubjectTables, findBlockSubject, hasAnotherAdmin } from "./block-subjects.ts";
import { type BlockFact, createHeldBlocks } from "./held-blocks.ts";
import { isInNetworks, listOfNetworks, touchesLoopback } from "./network-subject.ts";

/** Who blocks or lifts, and from where: nobody locks out themselves. */
export interface BlockAuthor {
  readonly principal: AccountPrincipal;
  readonly clientAddress: string;
}

/**
 * Responsible for whom the people who run the installation keep out (P12). Held in memory whole, because every request asks;
 * known on every server within a second. A block that is over stays, as its own history.
 */
export interface Blocks {
  readonly check: BlockCheck;
  /** @throws NOT_FOUND · VALIDATION_ERROR · CONFLICT when it is blocked already, or would lock out who must not be */
  add(author: BlockAuthor, input: CreateBlockRequest): Promise<BlockRow>;
  /** @throws NOT_FOUND · CONFLICT when it is over already */
  lift(author: BlockAuthor, id: string, reason: string): Promise<BlockRow>;
  /** @throws NOT_FOUND */
  find(id: string): Promise<BlockRow>;
  /** Newest first. */
  list(filter: BlockFilter, page: PageRequest): Promise<Page<BlockRow>>;
  /** Resolves when what is held is no older than the change feed allows; grows with every change of it. */
  revision(): number | Promise<number>;
}

export interface BlocksOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
  /** Where people object, as a sentence may name it. */
  readonly contact: () => string;
  /** Told after the fact, while the operator goes on. */
  readonly onChanged: (row: BlockRow, subject: BlockSubject, what: "blocked" | "unblocked") => void;
}

const subjectOf = (id: string): string => `block:${id}`;
const rowsIn = <Any>(trx: Kysely<Any>) => trx as unknown as Kysely<FrontDoorTables>;
const subjectsIn = <Any>(trx: Kysely<Any>) => trx as unknown as Kysely<BlockSubjectTables>;

export function createBlocks(options: BlocksOptions): Blocks {
  const { clock, changes, audit, contact, onChanged } = options;
  const sql = options.sql.withTables<FrontDoorTables>();

  const snapshot = createKeyedSnapshot<BlockFact>({
    changes,
    subjectPrefix: subjectOf(""),
    async load(ids) {
      const rows = await blockStore.listInForce(sql.db, ids, clock.now());
      return new Map(rows.map((row) => [row.id, factOf(row)]));
    },
  });
  const organisations = createCachedLookup<string>({
    clock,
    changes,
    async find(projectId) {
      const row = await subjectsIn(sql.db)
        .selectFrom("projects")
        .select("organisation_id")
        .where("id", "=", projectId)
        .executeTakeFirst();
      if (row === undefined) return null;
      const { organisation_id: id } = row;
      return { value: id, expiresAtMs: null, subjects: [`project:${projectId}`, `organisation:${id}`] };
    },
  });
  const held = createHeldBlocks(snapshot, () => clock.now());

  function requireNotOneself({ principal, clientAddress }: BlockAuthor, { kind }: CreateBlockRequest, subject: string) {
    if (kind === "network") {
      if (touchesLoopback(subject))
        throw locksOut("This machine itself is in the network, and with it the platform's own calls.");
      if (isInNetworks(listOfNetworks([subject]), clientAddress)) {
        throw locksOut("You are calling from an address of this network yourself.");
      }
    }
    if (kind === "account" && subject === principal.accountId) throw locksOut("This is your own account.");
    if (kind === "key" && subject === principal.credentialId) throw locksOut("You are calling with this very key.");
  }

  return {
    check: createBlockCheck({ held, organisationOf: organisations.find, contact }),

    async add(author, input) {
      const now = clock.now();
      const { kind, reason, isReasonPublic } = input;
      const endsAtMs = input.endsAt === undefined ? null : Date.parse(input.endsAt);
      if (endsAtMs !== null && endsAtMs <= now) {
        throw new AerostackError("VALIDATION_ERROR", {
          message: "The block would have ended already.",
          details: { fieldErrors: { endsAt: ["must be in the future"] } },
        });
      }
      const id = createId("blk", now);
      const [row, found] = await changes.commit(sql, [subjectOf(id)], async (trx) => {
        const known = await findBlockSubject(subjectsIn(trx), kind, input.subject);
        const { subject, projectId } = known;
        requireNotOneself(author, input, subject);
        const store = rowsIn(trx);
        const before = await blockStore.findInForce(store, kind, subject, now);
        if (before !== undefined) {
          throw new AerostackError("CONFLICT", {
            message: "This is blocked already.",
            fix: `Lift ${before.id} first, to block it for another reason or another time.`,
            details: { block: before.id },
          });
        }
        if (kind === "account") {
          const blocked = await blockStore.list(
            store,
            { kind, state: "in_force" },
            { limit: MAX_BLOCKS_IN_FORCE },
            now,
          );
          if (!(await hasAnotherAdmin(subjectsIn(trx), subject, new Set(blocked.map((one) => one.subject))))) {
            throw locksOut("Nobody else who is not blocked could run this installation.");
          }
        }
        if ((await blockStore.countInForce(store, now)) >= MAX_BLOCKS_IN_FORCE) {
          throw new AerostackError("CONFLICT", {
            message: `At most ${MAX_BLOCKS_IN_FORCE} blocks are in force at once.`,
            fix: "Block networks instead of their addresses, and lift what is not needed any more.",
          });
        }
        const made: BlockRow = {
          id,
          kind,
          subject,
          project_id: projectId,
          reason,
          is_reason_public: isReasonPublic ? 1 : 0,
          created_at: now,
          created_by: author.principal.accountId,
          ends_at: endsAtMs,
          lifted_at: null,
          lifted_by: null,
          lift_reason: null,
        };
        await blockStore.insert(store, made);
        await audit.record(trx, {
          action: "block.created",
          target: { kind, id: subject },
          ...FOR_OPERATORS,
          after: { block: id, reason, isReasonPublic, endsAt: input.endsAt ?? null },
        });
        return [made, known] as const;
      });
      onChanged(row, found, "blocked");
      return row;
    },

    async lift(author, id, reason) {
      const now = clock.now();
      const row = await changes.commit(sql, [subjectOf(id)], async (trx) => {
        const store = rowsIn(trx);
        const before = await blockStore.find(store, id);
        if (before === undefined) throw noSuchBlock();
        if (stateOf(before, now) !== "in_force") {
          throw new AerostackError("CONFLICT", { message: "This block is over already." });
        }
        const lifted = await blockStore.lift(store, id, { by: author.principal.accountId, reason, atMs: now });
        if (lifted === undefined) throw noSuchBlock();
        await audit.record(trx, {
          action: "block.lifted",
          target: { kind: lifted.kind, id: lifted.subject },
          ...FOR_OPERATORS,
          before: { block: id, reason: lifted.reason },
          after: { reason },
        });
        return lifted;
      });
      // What was blocked may be gone by now; then there is nobody to tell.
      const found = await findBlockSubject(subjectsIn(sql.db), row.kind, row.subject).catch(() => null);
      if (found !== null) onChanged(row, found, "unblocked");
      return row;
    },

    async find(id) {
      const row = await blockStore.find(sql.db, id);
      if (row === undefined) throw noSuchBlock();
      return row;
    },

    async list(filter, page) {
      const subject =
        filter.kind === "network" && filter.subject !== undefined
          ? (await findBlockSubject(subjectsIn(sql.db), "network", filter.subject)).subject
          : filter.subject;
      return toPage(await blockStore.list(sql.db, { ...filter, subject }, page, clock.now()), page.limit);
    },

    revision() {
      const all = snapshot.all();
      return all instanceof Promise ? all.then(() => snapshot.revision) : snapshot.revision;
    },
  };
}

/** A reason is no business of those who read the audit log of their own project or organisation. */
const FOR_OPERATORS = { projectId: null, organisationId: null } as const;

function factOf(row: BlockRow): BlockFact {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    endsAtMs: row.ends_at,
    publicReason: row.is_reason_public === 1 ? row.reason : null,
  };
}

function noSuchBlock(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "There is no such block." });
}

function locksOut(why: string): AerostackError {
  return new AerostackError("CONFLICT", {
    message: `This block would lock out whom it must not. ${why}`,
    fix: "Block something narrower, or do it from elsewhere and as somebody else.",
  });
}
