import type { Kysely } from "kysely";
import type { Sql } from "../../kernel/sql/index.ts";
import { type DisclosedSubject, type DisclosureSource, jsonLines } from "../disclosure-source.ts";
import type { Holds } from "../holds.ts";

type AnyDb = Kysely<Record<string, Record<string, string | number | null>>>;

/** What is read of a table: never what opens anything (hashes of passwords, tokens and keys, secrets of authenticators). */
interface Selection {
  readonly file: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** Whose rows. */
  readonly by: string;
}

const KEY_COLUMNS = [
  "id",
  "name",
  "prefix",
  "created_at",
  "expires_at",
  "last_used_at",
  "last_used_ip",
  "revoked_at",
  "scopes",
  "allowed_ips",
];
const PASSKEY_COLUMNS = ["id", "name", "created_at", "last_used_at"];
const PROJECT_COLUMNS = [
  "id",
  "owner_id",
  "organisation_id",
  "name",
  "slug",
  "created_at",
  "updated_at",
  "deleted_at",
  "suspended_at",
];
const USER_COLUMNS = [
  "id",
  "project_id",
  "email",
  "email_verified_at",
  "phone",
  "phone_verified_at",
  "name",
  "avatar_url",
  "custom_fields",
  "metadata",
  "is_anonymous",
  "blocked_at",
  "created_at",
  "updated_at",
  "last_sign_in_at",
];
const SESSION_COLUMNS = [
  "id",
  "account_id",
  "created_at",
  "revoked_at",
  "revoke_reason",
  "device",
  "ip",
  "last_used_at",
];
const USER_SESSION_COLUMNS = [
  "id",
  "user_id",
  "created_at",
  "last_used_at",
  "expires_at",
  "ip",
  "user_agent",
  "methods",
  "revoked_at",
  "revoke_reason",
];

const PROFILE: Readonly<Record<DisclosedSubject["kind"], readonly Selection[]>> = {
  account: [
    {
      file: "account",
      table: "accounts",
      columns: [
        "id",
        "email",
        "name",
        "is_admin",
        "email_verified_at",
        "time_zone",
        "locale",
        "closed_at",
        "created_at",
        "updated_at",
      ],
      by: "id",
    },
    {
      file: "memberships",
      table: "organisation_members",
      columns: ["organisation_id", "account_id", "role", "created_at"],
      by: "account_id",
    },
    { file: "keys", table: "account_keys", columns: KEY_COLUMNS, by: "account_id" },
    { file: "passkeys", table: "account_passkeys", columns: PASSKEY_COLUMNS, by: "user_id" },
    {
      file: "consents",
      table: "account_consents",
      columns: ["id", "purpose", "granted", "version", "source", "created_at"],
      by: "account_id",
    },
    { file: "projects", table: "projects", columns: PROJECT_COLUMNS, by: "owner_id" },
  ],
  organisation: [
    {
      file: "organisation",
      table: "organisations",
      columns: ["id", "name", "personal_account_id", "created_at", "updated_at"],
      by: "id",
    },
    {
      file: "members",
      table: "organisation_members",
      columns: ["organisation_id", "account_id", "role", "created_at"],
      by: "organisation_id",
    },
    { file: "projects", table: "projects", columns: PROJECT_COLUMNS, by: "organisation_id" },
  ],
  project: [
    { file: "project", table: "projects", columns: PROJECT_COLUMNS, by: "id" },
    { file: "keys", table: "project_keys", columns: ["project_id", "kind", ...KEY_COLUMNS], by: "project_id" },
    { file: "users", table: "end_users", columns: USER_COLUMNS, by: "project_id" },
  ],
  end_user: [
    { file: "user", table: "end_users", columns: USER_COLUMNS, by: "id" },
    { file: "identities", table: "end_user_identities", columns: ["provider", "email", "created_at"], by: "user_id" },
    { file: "passkeys", table: "end_user_passkeys", columns: PASSKEY_COLUMNS, by: "user_id" },
  ],
};

const LOG_INS: Readonly<Record<DisclosedSubject["kind"], readonly Selection[]>> = {
  account: [{ file: "sessions", table: "sessions", columns: SESSION_COLUMNS, by: "account_id" }],
  // Those of its members are theirs, not the organisation's.
  organisation: [],
  project: [{ file: "user-sessions", table: "end_user_sessions", columns: USER_SESSION_COLUMNS, by: "project_id" }],
  end_user: [{ file: "sessions", table: "end_user_sessions", columns: USER_SESSION_COLUMNS, by: "user_id" }],
};

const PAGE = 500;

/** Rows page by page, as JSON lines. */
async function* rowsOf(db: AnyDb, { table, columns, by }: Selection, id: string): AsyncGenerator<string> {
  const { ref } = db.dynamic;
  for (let offset = 0; ; offset += PAGE) {
    const rows = await db
      .selectFrom(table)
      .select(columns.map((column) => ref<string>(column)))
      .where(ref(by), "=", id)
      .orderBy(ref(columns[0] ?? by))
      .limit(PAGE)
      .offset(offset)
      .execute();
    yield* jsonLines(rows);
    if (rows.length < PAGE) return;
  }
}

function createSource(
  untyped: Sql<unknown>,
  folder: string,
  selections: Readonly<Record<DisclosedSubject["kind"], readonly Selection[]>>,
  kept: (subject: DisclosedSubject) => Promise<ReadonlyMap<string, readonly unknown[]>>,
): DisclosureSource {
  const db = untyped.db as unknown as AnyDb;
  return async function* files(subject) {
    const waiting = await kept(subject);
    for (const selection of selections[subject.kind]) {
      const rows = waiting.get(selection.table);
      yield {
        name: `${folder}/${selection.file}.jsonl`,
        content: rows === undefined ? rowsOf(db, selection, subject.id) : jsonLines(rows),
      };
    }
  };
}

/** What is stored of somebody; of a user whose deletion is kept back, what is kept. */
export function createStoredRowSources(sql: Sql<unknown>, holds: Pick<Holds, "keptRows">) {
  async function kept({ kind, id, projectIds }: DisclosedSubject) {
    const rows = kind === "end_user" ? await holds.keptRows(projectIds[0] ?? "", id) : null;
    return new Map(Object.entries(rows ?? {}));
  }
  return {
    profile: createSource(sql, "profile", PROFILE, kept),
    log_ins: createSource(sql, "log-ins", LOG_INS, kept),
  };
}

/** What is kept of a user when its deletion waits: what would be disclosed, and nothing that opens anything. */
export async function userRowsToKeep<Tables>(
  anyDb: Kysely<Tables>,
  userId: string,
): Promise<Record<string, readonly Record<string, unknown>[]>> {
  const db = anyDb as unknown as AnyDb;
  const { ref } = db.dynamic;
  const found: Record<string, readonly Record<string, unknown>[]> = {};
  for (const { table, columns, by } of [...PROFILE.end_user, ...LOG_INS.end_user]) {
    found[table] = await db
      .selectFrom(table)
      .select(columns.map((column) => ref<string>(column)))
      .where(ref(by), "=", userId)
      .execute();
  }
  return found;
}
