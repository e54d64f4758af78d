import { AerostackError } from "@aerostack/contracts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserTables } from "../tables.ts";
import { endUserStore } from "../users/store.ts";
import { type IdentityRow, identityStore } from "./identity-store.ts";

/** The providers that a user has connected. */
export interface UserIdentities {
  list(userId: string): Promise<readonly IdentityRow[]>;
  /** @throws NOT_FOUND · CONFLICT when nothing else would let the user in */
  remove(projectId: string, userId: string, provider: string): Promise<void>;
}

export function createUserIdentities(sql: Sql<EndUserTables>): UserIdentities {
  return {
    list: (userId) => identityStore.listOf(sql.db, userId),
    async remove(projectId, userId, provider) {
      await sql.transaction(async (trx) => {
        const user = await endUserStore.findById(trx, projectId, userId);
        const others = (await identityStore.listOf(trx, userId)).filter((row) => row.provider !== provider);
        // A confirmed address or number opens the account by a code.
        const hasAnother =
          others.length > 0 ||
          user?.password_hash != null ||
          user?.email_verified_at != null ||
          user?.phone_verified_at != null;
        if (!hasAnother) {
          throw new AerostackError("CONFLICT", {
            message: "This is the only way to log in that the user has.",
            fix: "Set a password or confirm an address before.",
          });
        }
        if (!(await identityStore.remove(trx, userId, provider))) {
          throw new AerostackError("NOT_FOUND", { message: "This provider is not connected." });
        }
      });
    },
  };
}
