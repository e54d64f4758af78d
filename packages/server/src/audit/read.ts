import type { AuditEntry } from "@aerostack/contracts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { showEntry } from "./show-entry.ts";
import { auditStore, type EntryFilter } from "./store.ts";
import type { AuditTables } from "./tables.ts";

/** Reads the audit log. Whoever calls it has made sure that the caller may read what the filter leaves. */
export interface AuditReader {
  /** Newest first. */
  list(filter: EntryFilter, page: PageRequest): Promise<Page<AuditEntry>>;
  /** All of them, oldest first, page by page. */
  pages(filter: EntryFilter): AsyncIterable<readonly AuditEntry[]>;
}

const EXPORT_PAGE = 500;

export function createAuditReader(untyped: Sql<unknown>): AuditReader {
  const { db } = untyped.withTables<AuditTables>();
  return {
    async list(filter, { limit, cursor }) {
      const rows = await auditStore.list(db, filter, { limit: limit + 1, cursor, order: "newest_first" });
      return toPage(rows.map(showEntry), limit);
    },
    async *pages(filter) {
      let cursor: string | undefined;
      for (;;) {
        const rows = await auditStore.list(db, filter, { limit: EXPORT_PAGE, cursor, order: "oldest_first" });
        if (rows.length > 0) yield rows.map(showEntry);
        if (rows.length < EXPORT_PAGE) return;
        cursor = rows.at(-1)?.id;
      }
    },
  };
}
