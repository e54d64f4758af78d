import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserHooks } from "../hooks/hooks.ts";
import type { EndUserCaller } from "../sessions/sessions.ts";
import { showEndUser } from "../show-user.ts";
import type { EndUserTables } from "../tables.ts";
import type { EraseUser } from "../users/erase-user.ts";
import { type EndUserRow, endUserStore } from "../users/store.ts";

/**
 * Hands over what an anonymous user has when they turn out to be somebody who is known. What belongs to them is the project's
 * to move: its function is told both, and only when it says that it is done the anonymous user goes. Called once it is proven
 * who somebody is, with every factor that they have.
 *
 * @throws AUTH_REFUSED when the project's function refuses or fails; nothing is removed then
 */
export type MergeAnonymous = (
  user: EndUserRow,
  anonymousUserId: string | undefined,
  caller: EndUserCaller,
) => Promise<void>;

export interface MergeAnonymousOptions {
  readonly sql: Sql<EndUserTables>;
  readonly eraseUser: EraseUser;
  readonly hooks: Pick<EndUserHooks, "beforeMerge">;
}

export function createMergeAnonymous({ sql, eraseUser, hooks }: MergeAnonymousOptions): MergeAnonymous {
  return async (user, anonymousUserId, caller) => {
    if (anonymousUserId === undefined || anonymousUserId === user.id) return;
    const anonymous = await endUserStore.findById(sql.db, user.project_id, anonymousUserId);
    if (anonymous?.is_anonymous !== 1) return;
    const data = { anonymousUser: showEndUser(anonymous), user: showEndUser(user), ...caller };
    if (!(await hooks.beforeMerge(user.project_id, data))) return;
    await eraseUser(anonymous);
  };
}
