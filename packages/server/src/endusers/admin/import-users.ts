import { type ImportEndUser, importEndUserSchema } from "@aerostack/contracts";
import { type Clock, createUuid } from "@aerostack/kernel";
import type { Sql } from "../../kernel/sql/index.ts";
import { readForeignHash } from "../passwords/foreign-hash.ts";
import type { EndUserTables } from "../tables.ts";
import { newEndUser } from "../users/new-user.ts";
import { endUserStore } from "../users/store.ts";

export interface ImportReport {
  readonly imported: number;
  readonly skipped: readonly { readonly index: number; readonly reason: string }[];
}

const OWN_HASH = /^pbkdf2-sha256\$([1-9]\d{3,6})\$[\w-]{22}\$[\w-]{43}$/;

/**
 * Takes users over from another system, with their passwords' hashes: nobody has to choose a new one. Each is judged by
 * itself; one that cannot be taken is named and keeps no other out.
 */
export async function importUsers(
  { sql, clock }: { readonly sql: Sql<EndUserTables>; readonly clock: Clock },
  projectId: string,
  users: readonly unknown[],
): Promise<ImportReport> {
  const skipped: { index: number; reason: string }[] = [];
  let imported = 0;
  await sql.transaction(async (trx) => {
    skipped.length = 0;
    imported = 0;
    for (const [index, candidate] of users.entries()) {
      const parsed = importEndUserSchema.safeParse(candidate);
      const reason = parsed.success
        ? refusalOf(parsed.data)
        : parsed.error.issues.map(({ path, message }) => `${path.join(".") || "user"}: ${message}`).join("; ");
      if (!parsed.success || reason !== null) {
        skipped.push({ index, reason: reason ?? "is not valid" });
        continue;
      }
      if (await endUserStore.insert(trx, rowOf(projectId, parsed.data, clock.now()))) imported++;
      else skipped.push({ index, reason: "another user has this id, e-mail address or phone number" });
    }
  });
  return { imported, skipped };
}

function refusalOf({ passwordHash }: ImportEndUser): string | null {
  if (passwordHash === undefined || OWN_HASH.test(passwordHash) || readForeignHash(passwordHash) !== null) return null;
  return "passwordHash: is in no form that is known, or would take too long to check";
}

function rowOf(projectId: string, user: ImportEndUser, nowMs: number) {
  const createdAtMs = user.createdAt === undefined ? nowMs : Math.min(Date.parse(user.createdAt), nowMs);
  return newEndUser(projectId, nowMs, {
    id: user.id?.toLowerCase() ?? createUuid(createdAtMs),
    email: user.email ?? null,
    email_verified_at: user.emailVerified && user.email !== undefined ? nowMs : null,
    phone: user.phone ?? null,
    phone_verified_at: user.phoneVerified && user.phone !== undefined ? nowMs : null,
    name: user.name ?? null,
    password_hash: user.passwordHash ?? null,
    custom_fields: JSON.stringify(user.customFields ?? {}),
    metadata: JSON.stringify(user.metadata ?? {}),
    created_at: createdAtMs,
  });
}
