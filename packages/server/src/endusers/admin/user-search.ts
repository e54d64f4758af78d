import type { Kysely } from "kysely";
import type { Page, PageRequest } from "../../kernel/page.ts";
import type { EndUserTables } from "../tables.ts";
import type { EndUserRow } from "../users/store.ts";

export interface UserSearchRequest extends PageRequest {
  /** An id, or how an address or number begins. */
  readonly search?: string | undefined;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Above every character that an address or number has. */
const LAST_CHARACTER = "\uffff";

type Column = "id" | "email" | "phone";

/** A project's users by pages: all of them newest first; found ones in the order of what was looked for. Both by an index. */
export async function searchUsers(
  db: Kysely<EndUserTables>,
  projectId: string,
  { search, limit, cursor }: UserSearchRequest,
): Promise<Page<EndUserRow>> {
  const column = columnFor(search);
  let query = db.selectFrom("end_users").selectAll().where("project_id", "=", projectId);
  if (search === undefined) {
    if (cursor !== undefined) query = query.where("id", "<", cursor);
    query = query.orderBy("id", "desc");
  } else {
    const from = column === "phone" ? search.replace(/[\s().-]/g, "") : search.toLowerCase();
    query = query.where(column, ">=", from).where(column, "<", from + LAST_CHARACTER);
    if (cursor !== undefined) query = query.where(column, ">", cursor);
    query = query.orderBy(column);
  }
  const rows = await query.limit(limit + 1).execute();
  const items = rows.slice(0, limit);
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.[column] ?? null) : null };
}

function columnFor(search: string | undefined): Column {
  if (search === undefined || UUID.test(search)) return "id";
  return search.startsWith("+") ? "phone" : "email";
}
