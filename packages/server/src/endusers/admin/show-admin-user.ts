import type { AdminEndUser } from "@aerostack/contracts";
import { toIsoOrNull } from "../../kernel/page.ts";
import { showEndUser } from "../show-user.ts";
import type { EndUserRow } from "../users/store.ts";

/** A user as the project's own people see them. */
export function showAdminUser(row: EndUserRow): AdminEndUser {
  return {
    ...showEndUser(row),
    blockedAt: toIsoOrNull(row.blocked_at),
    lastSignInAt: toIsoOrNull(row.last_sign_in_at),
    hasPassword: row.password_hash !== null,
  };
}
