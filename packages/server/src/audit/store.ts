import type { Kysely } from "kysely";
import type { AuditEntryRow, AuditTables } from "./tables.ts";

/** An entry with its place in the chain, once it has one. */
export interface ChainedEntryRow extends AuditEntryRow {
  readonly seq: number | null;
  readonly hash: string | null;
}

/** All that are given must hold. */
export interface EntryFilter {
  readonly actor?: string | undefined;
  /** `thing.verb`, or `thing.*`. */
  readonly action?: string | undefined;
  readonly target?: string | undefined;
  readonly projectId?: string | undefined;
  readonly organisationId?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

export interface EntryPage {
  readonly limit: number;
  /** Id of the entry before the page. */
  readonly cursor?: string | undefined;
  readonly order: "newest_first" | "oldest_first";
}

const ALL_OF_A_THING = ".*";

export const auditStore = {
  async list(db: Kysely<AuditTables>, filter: EntryFilter, page: EntryPage): Promise<ChainedEntryRow[]> {
    const newestFirst = page.order === "newest_first";
    let query = db
      .selectFrom("audit_entries as entry")
      .leftJoin("audit_chain as link", "link.entry_id", "entry.id")
      .selectAll("entry")
      .select(["link.seq", "link.hash"]);
    if (filter.actor !== undefined) query = query.where("entry.actor_id", "=", filter.actor);
    if (filter.target !== undefined) query = query.where("entry.target_id", "=", filter.target);
    if (filter.projectId !== undefined) query = query.where("entry.project_id", "=", filter.projectId);
    if (filter.organisationId !== undefined) query = query.where("entry.organisation_id", "=", filter.organisationId);
    if (filter.fromMs !== undefined) query = query.where("entry.time", ">=", filter.fromMs);
    if (filter.toMs !== undefined) query = query.where("entry.time", "<", filter.toMs);
    if (filter.action?.endsWith(ALL_OF_A_THING) === true) {
      const thing = filter.action.slice(0, -ALL_OF_A_THING.length);
      // Everything that begins with `thing.`: the next character after the point is the slash.
      query = query.where("entry.action", ">=", `${thing}.`).where("entry.action", "<", `${thing}/`);
    } else if (filter.action !== undefined) query = query.where("entry.action", "=", filter.action);
    if (page.cursor !== undefined) query = query.where("entry.id", newestFirst ? "<" : ">", page.cursor);
    return await query
      .orderBy("entry.id", newestFirst ? "desc" : "asc")
      .limit(page.limit)
      .execute();
  },
};
