import { AerostackError, type EndUser } from "@aerostack/contracts";
import type { Sql } from "../../kernel/sql/index.ts";
import { showEndUser } from "../show-user.ts";
import type { EndUserTables } from "../tables.ts";
import { endUserStore } from "./store.ts";

/** The users of a project, for capabilities that name them: as interfaces show them, or null. */
export interface EndUserDirectory {
  getUser(projectId: string, userId: string): Promise<EndUser | null>;
  /** For the user's own token. @throws AUTH_TOKEN_INVALID when the user was deleted meanwhile */
  requireUser(projectId: string, userId: string): Promise<EndUser>;
  /** @param email in any case */
  getUserByEmail(projectId: string, email: string): Promise<EndUser | null>;
}

export function createEndUserDirectory(sql: Sql<EndUserTables>): EndUserDirectory {
  async function getUser(projectId: string, userId: string): Promise<EndUser | null> {
    const row = await endUserStore.findById(sql.db, projectId, userId);
    return row === undefined ? null : showEndUser(row);
  }

  return {
    getUser,
    async requireUser(projectId, userId) {
      const user = await getUser(projectId, userId);
      if (user === null) throw new AerostackError("AUTH_TOKEN_INVALID");
      return user;
    },
    async getUserByEmail(projectId, email) {
      const row = await endUserStore.findByEmail(sql.db, projectId, email.trim().toLowerCase());
      return row === undefined ? null : showEndUser(row);
    },
  };
}
