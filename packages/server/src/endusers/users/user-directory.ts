import { AerostackError, type EndUser } from "@aerostack/contracts";
import type { Sql } from "../../kernel/sql/index.ts";
import { showEndUser } from "../show-user.ts";
import type { EndUserTables } from "../tables.ts";
import { type EndUserRow, endUserStore } from "./store.ts";

/** The users of a project, for capabilities that name them: as interfaces show them, or null. */
export interface EndUserDirectory {
  getUser(projectId: string, userId: string): Promise<EndUser | null>;
  /** @param email in any case */
  getUserByEmail(projectId: string, email: string): Promise<EndUser | null>;
}

export function createEndUserDirectory(sql: Sql<EndUserTables>): EndUserDirectory {
  return {
    async getUser(projectId, userId) {
      const row = await endUserStore.findById(sql.db, projectId, userId);
      return row === undefined ? null : showEndUser(row);
    },
    async getUserByEmail(projectId, email) {
      const row = await endUserStore.findByEmail(sql.db, projectId, email.trim().toLowerCase());
      return row === undefined ? null : showEndUser(row);
    },
  };
}

/** The user behind an access token. */
export interface UserRows {
  /** @throws AUTH_TOKEN_INVALID when the user was deleted meanwhile */
  require(projectId: string, userId: string): Promise<EndUserRow>;
}

export function createUserRows(sql: Sql<EndUserTables>): UserRows {
  return {
    async require(projectId, userId) {
      const row = await endUserStore.findById(sql.db, projectId, userId);
      if (row === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      return row;
    },
  };
}
