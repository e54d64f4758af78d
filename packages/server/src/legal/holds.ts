import type { KeptBack } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Envelope } from "../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../kernel/crypto/sealed-columns.ts";
import { toIso } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { LegalTables } from "./tables.ts";

/** As far as holds look at what others keep: what belongs to what. */
interface OwnedTables {
  accounts: { id: string; closed_at: number | null };
  projects: { id: string; organisation_id: string; owner_id: string; deleted_at: number | null };
  organisations: { id: string };
  organisation_members: { organisation_id: string; account_id: string };
}
type Db = Kysely<LegalTables & OwnedTables>;

/** A user's rows, by table, as they were when the deletion was asked for. */
export type KeptRows = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** A deletion that may be carried out now. */
export interface Released {
  readonly kind: "end_user" | "organisation";
  readonly subjectId: string;
  readonly projectId: string | null;
  readonly rows: KeptRows | null;
}

/**
 * The one question that every erasure asks first: whether a legal hold keeps it back (P15). What is kept back was accepted,
 * waits, and is carried out once the hold is lifted. A hold on something keeps everything in it, and what it is in.
 *
 * Each look takes the transaction of the erasure where there is one.
 */
export interface Holds {
  ofAccount<Tables>(db: Kysely<Tables> | null, accountId: string): Promise<boolean>;
  ofProject<Tables>(db: Kysely<Tables> | null, projectId: string): Promise<boolean>;
  ofOrganisation<Tables>(db: Kysely<Tables> | null, organisationId: string): Promise<boolean>;
  ofEndUser<Tables>(db: Kysely<Tables> | null, projectId: string, userId: string): Promise<boolean>;
  /** In the transaction that removes a user from where it was: what is kept until the hold is lifted. */
  keepUser<Tables>(trx: Kysely<Tables>, projectId: string, userId: string, rows: KeptRows): Promise<void>;
  /** In the transaction that takes an organisation from everybody who was in it. */
  keepOrganisation<Tables>(trx: Kysely<Tables>, organisationId: string): Promise<void>;
  /** Whether the organisation has projects that were deleted and are kept back, or are still being removed. */
  hasDeletedProjects<Tables>(db: Kysely<Tables>, organisationId: string): Promise<boolean>;
  /** What of a user is kept, for a disclosure. */
  keptRows(projectId: string, userId: string): Promise<KeptRows | null>;
  /** Carries out what waits and is not held any more. */
  release(carryOut: (released: Released) => Promise<void>): Promise<void>;
  /** Deletions that wait for a hold on this. */
  keptBack(kind: LegalTables["legal_cases"]["subject_kind"], id: string): Promise<readonly KeptBack[]>;
}

const MAX_SHOWN = 200;
const MAX_RELEASED = 500;

const contextOf = (id: string): string => `legal-kept-back/${id}`;
export const legalKeptBackSeal: SealedColumn = {
  table: "legal_kept_back",
  key: ["id"],
  column: "data",
  contextOf: (row) => contextOf(row.id ?? ""),
};

export function createHolds(options: {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly envelope: Envelope;
}): Holds {
  const { clock, envelope } = options;
  const sql = options.sql.withTables<LegalTables & OwnedTables>();
  const within = <Tables>(db: Kysely<Tables> | null): Db => (db === null ? sql.db : (db as unknown as Db));

  async function isHeld(db: Db, kind: LegalTables["legal_cases"]["subject_kind"], ids: readonly string[]) {
    if (ids.length === 0) return false;
    const found = await db
      .selectFrom("legal_cases")
      .select("id")
      .where("subject_kind", "=", kind)
      .where("subject_id", "in", [...ids])
      .where("hold_placed_at", "is not", null)
      .where("hold_lifted_at", "is", null)
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  /** Some user of one of the projects. */
  async function someUserIsHeld(db: Db, projectIds: readonly string[]): Promise<boolean> {
    if (projectIds.length === 0) return false;
    const found = await db
      .selectFrom("legal_cases")
      .select("id")
      .where("subject_kind", "=", "end_user")
      .where("project_id", "in", [...projectIds])
      .where("hold_placed_at", "is not", null)
      .where("hold_lifted_at", "is", null)
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  /** What a project is in: its organisation, and the account that answers for it. */
  async function isAboveHeld(db: Db, projectId: string): Promise<boolean> {
    const project = await db
      .selectFrom("projects")
      .select(["organisation_id", "owner_id"])
      .where("id", "=", projectId)
      .executeTakeFirst();
    if (await isHeld(db, "project", [projectId])) return true;
    if (project === undefined) return false;
    return (
      (await isHeld(db, "organisation", [project.organisation_id])) || (await isHeld(db, "account", [project.owner_id]))
    );
  }

  async function projectsIn(db: Db, organisationIds: readonly string[]): Promise<string[]> {
    if (organisationIds.length === 0) return [];
    const rows = await db
      .selectFrom("projects")
      .select("id")
      .where("organisation_id", "in", [...organisationIds])
      .execute();
    return rows.map(({ id }) => id);
  }

  async function ofProject(db: Db, projectId: string): Promise<boolean> {
    return (await isAboveHeld(db, projectId)) || (await someUserIsHeld(db, [projectId]));
  }

  async function ofOrganisation(db: Db, organisationId: string): Promise<boolean> {
    if (await isHeld(db, "organisation", [organisationId])) return true;
    const projects = await projectsIn(db, [organisationId]);
    return (await isHeld(db, "project", projects)) || (await someUserIsHeld(db, projects));
  }

  return {
    ofProject: (db, id) => ofProject(within(db), id),
    ofOrganisation: (db, id) => ofOrganisation(within(db), id),

    async ofAccount(anyDb, accountId) {
      const db = within(anyDb);
      if (await isHeld(db, "account", [accountId])) return true;
      const memberships = await db
        .selectFrom("organisation_members")
        .select("organisation_id")
        .where("account_id", "=", accountId)
        .execute();
      const organisations = memberships.map(({ organisation_id }) => organisation_id);
      const owned = await db.selectFrom("projects").select("id").where("owner_id", "=", accountId).execute();
      const projects = [...new Set([...(await projectsIn(db, organisations)), ...owned.map(({ id }) => id)])];
      return (
        (await isHeld(db, "organisation", organisations)) ||
        (await isHeld(db, "project", projects)) ||
        (await someUserIsHeld(db, projects))
      );
    },

    async ofEndUser(anyDb, projectId, userId) {
      const db = within(anyDb);
      return (await isHeld(db, "end_user", [userId])) || (await isAboveHeld(db, projectId));
    },

    async keepUser(trx, projectId, userId, rows) {
      const id = createId("lkb", clock.now());
      await within(trx)
        .insertInto("legal_kept_back")
        .values({
          id,
          kind: "end_user",
          subject_id: userId,
          project_id: projectId,
          requested_at: clock.now(),
          data: envelope.seal(JSON.stringify(rows), contextOf(id)),
        })
        .onConflict((conflict) => conflict.columns(["kind", "subject_id"]).doNothing())
        .execute();
    },

    async keepOrganisation(trx, organisationId) {
      await within(trx)
        .insertInto("legal_kept_back")
        .values({
          id: createId("lkb", clock.now()),
          kind: "organisation",
          subject_id: organisationId,
          project_id: null,
          requested_at: clock.now(),
          data: null,
        })
        .onConflict((conflict) => conflict.columns(["kind", "subject_id"]).doNothing())
        .execute();
    },

    async hasDeletedProjects(db, organisationId) {
      const rows = await within(db)
        .selectFrom("projects")
        .select("id")
        .where("organisation_id", "=", organisationId)
        .where("deleted_at", "is not", null)
        .limit(1)
        .execute();
      return rows.length > 0;
    },

    async keptRows(projectId, userId) {
      const row = await sql.db
        .selectFrom("legal_kept_back")
        .select(["id", "data"])
        .where("kind", "=", "end_user")
        .where("subject_id", "=", userId)
        .where("project_id", "=", projectId)
        .executeTakeFirst();
      return row?.data === undefined || row.data === null
        ? null
        : (JSON.parse(envelope.open(row.data, contextOf(row.id))) as KeptRows);
    },

    async release(carryOut) {
      const waiting = await sql.db
        .selectFrom("legal_kept_back")
        .selectAll()
        .orderBy("requested_at")
        .limit(MAX_RELEASED)
        .execute();
      for (const { id, kind, subject_id: subjectId, project_id: projectId, data } of waiting) {
        const held =
          kind === "organisation"
            ? (await ofOrganisation(sql.db, subjectId)) || (await this.hasDeletedProjects(sql.db, subjectId))
            : await this.ofEndUser(null, projectId ?? "", subjectId);
        if (held) continue;
        const rows = data === null ? null : (JSON.parse(envelope.open(data, contextOf(id))) as KeptRows);
        await carryOut({ kind, subjectId, projectId, rows });
        await sql.db.deleteFrom("legal_kept_back").where("id", "=", id).execute();
      }
    },

    async keptBack(kind, id) {
      const found: KeptBack[] = [];
      const add = (what: KeptBack["kind"], rows: readonly { id: string; at: number | null }[]) => {
        for (const row of rows) if (row.at !== null) found.push({ kind: what, id: row.id, requestedAt: toIso(row.at) });
      };
      if (kind === "account") {
        const rows = sql.db.selectFrom("accounts").select(["id", "closed_at as at"]).where("id", "=", id);
        add("account", await rows.execute());
      }
      if (kind !== "end_user") {
        const column = kind === "account" ? "owner_id" : kind === "organisation" ? "organisation_id" : "id";
        const rows = sql.db
          .selectFrom("projects")
          .select(["id", "deleted_at as at"])
          .where(column, "=", id)
          .where("deleted_at", "is not", null);
        add("project", await rows.limit(MAX_SHOWN).execute());
      }
      const waiting = sql.db
        .selectFrom("legal_kept_back")
        .select(["kind", "subject_id", "requested_at"])
        .where((eb) => eb.or([eb("subject_id", "=", id), eb("project_id", "=", id)]));
      for (const row of await waiting.limit(MAX_SHOWN).execute()) {
        found.push({ kind: row.kind, id: row.subject_id, requestedAt: toIso(row.requested_at) });
      }
      return found;
    },
  };
}

/** Nothing is held: for tests and parts that run without it. */
export const NO_HOLDS: Holds = {
  ofAccount: async () => false,
  ofProject: async () => false,
  ofOrganisation: async () => false,
  ofEndUser: async () => false,
  keepUser: async () => {},
  keepOrganisation: async () => {},
  hasDeletedProjects: async () => false,
  keptRows: async () => null,
  release: async () => {},
  keptBack: async () => [],
};
