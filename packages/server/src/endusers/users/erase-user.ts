import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { Holds } from "../../legal/holds.ts";
import { userRowsToKeep } from "../../legal/sources/stored-rows.ts";
import type { Avatars } from "../profile/avatars.ts";
import { userSubject } from "../sessions/sessions.ts";
import type { EndUserTables } from "../tables.ts";
import { type EndUserRow, endUserStore } from "./store.ts";

/**
 * The end of a user, whoever asks for it. For the project and the user it is the same whether a legal hold is in force or not:
 * the user is gone at once. With one, their rows are kept sealed, where nothing but a disclosure reads them, and so is their
 * picture, until the hold is lifted.
 */
export type EraseUser = (user: EndUserRow) => Promise<void>;

export interface UserEraserOptions {
  readonly sql: Sql<EndUserTables>;
  readonly changes: ChangeFeed;
  readonly holds: Pick<Holds, "ofEndUser" | "keepUser">;
  readonly avatars: Pick<Avatars, "remove">;
}

export function createUserEraser({ sql, changes, holds, avatars }: UserEraserOptions): EraseUser {
  return async ({ id, project_id: projectId, avatar_url: avatarUrl }) => {
    const isKept = await changes.commit(sql, [userSubject(id)], async (trx) => {
      const isHeld = await holds.ofEndUser(trx, projectId, id);
      if (isHeld) await holds.keepUser(trx, projectId, id, await userRowsToKeep(trx, id));
      await endUserStore.remove(trx, projectId, id);
      return isHeld;
    });
    if (!isKept) await avatars.remove(projectId, id, avatarUrl);
  };
}
