import { AerostackError, type BlockKind } from "@aerostack/contracts";
import type { Kysely } from "kysely";
import { canonicalNetwork } from "./network-subject.ts";

/** As far as blocks look at what others keep: whether it is there, and to whom it belongs. */
export interface BlockSubjectTables {
  accounts: { id: string; email: string; is_admin: number; closed_at: number | null };
  projects: { id: string; slug: string; name: string; organisation_id: string };
  organisations: { id: string; name: string; personal_account_id: string | null };
  organisation_members: { organisation_id: string; account_id: string; role: string };
  end_users: { id: string; project_id: string };
  account_keys: { id: string; account_id: string };
  project_keys: { id: string; project_id: string };
  s3_access_keys: { access_key_id: string; project_id: string };
}

type Db = Kysely<BlockSubjectTables>;

/** What a block is about, as it was found. */
export interface BlockSubject {
  /** As blocks are stored and asked for. */
  readonly subject: string;
  readonly projectId: string | null;
  /** As people call it. */
  readonly name: string;
  /** Who is told of the block. */
  readonly accountIds: readonly string[];
}

async function ownersOf(db: Db, organisationId: string): Promise<string[]> {
  const rows = await db
    .selectFrom("organisation_members")
    .select("account_id")
    .where("organisation_id", "=", organisationId)
    .where("role", "=", "owner")
    .orderBy("account_id")
    .execute();
  return rows.map(({ account_id }) => account_id);
}

const nobody = (subject: string, projectId: string | null = null): BlockSubject => ({
  subject,
  projectId,
  name: subject,
  accountIds: [],
});

const FIND: Readonly<Record<BlockKind, (db: Db, text: string) => Promise<BlockSubject | undefined>>> = {
  network: async (_db, text) => nobody(canonicalNetwork(text)),

  async account(db, text) {
    const row = await db
      .selectFrom("accounts")
      .select("id")
      .where((eb) => eb.or([eb("id", "=", text), eb("email", "=", text.toLowerCase())]))
      .executeTakeFirst();
    return row === undefined
      ? undefined
      : { subject: row.id, projectId: null, name: "your account", accountIds: [row.id] };
  },

  async project(db, text) {
    const row = await db
      .selectFrom("projects")
      .select(["id", "name", "organisation_id"])
      .where((eb) => eb.or([eb("id", "=", text), eb("slug", "=", text)]))
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const accountIds = await ownersOf(db, row.organisation_id);
    return { subject: row.id, projectId: row.id, name: `the project '${row.name}'`, accountIds };
  },

  async organisation(db, text) {
    const row = await db.selectFrom("organisations").select(["id", "name"]).where("id", "=", text).executeTakeFirst();
    if (row === undefined) return undefined;
    const accountIds = await ownersOf(db, row.id);
    return { subject: row.id, projectId: null, name: `the organisation '${row.name}'`, accountIds };
  },

  async end_user(db, text) {
    const row = await db.selectFrom("end_users").select(["id", "project_id"]).where("id", "=", text).executeTakeFirst();
    return row === undefined ? undefined : nobody(row.id, row.project_id);
  },

  async key(db, text) {
    const ofAccount = await db.selectFrom("account_keys").select("id").where("id", "=", text).executeTakeFirst();
    if (ofAccount !== undefined) return nobody(text);
    const ofProject =
      (await db.selectFrom("project_keys").select("project_id").where("id", "=", text).executeTakeFirst()) ??
      (await db.selectFrom("s3_access_keys").select("project_id").where("access_key_id", "=", text).executeTakeFirst());
    return ofProject === undefined ? undefined : nobody(text, ofProject.project_id);
  },
};

/** @throws NOT_FOUND · VALIDATION_ERROR for what is no network */
export async function findBlockSubject(db: Db, kind: BlockKind, text: string): Promise<BlockSubject> {
  const found = await FIND[kind](db, text);
  if (found !== undefined) return found;
  throw new AerostackError("NOT_FOUND", { message: `There is nothing with this id: ${kind} '${text}'.` });
}

/** Whether somebody else could still run the installation: an administrator whose account is open and not blocked. */
export async function hasAnotherAdmin(db: Db, accountId: string, blocked: ReadonlySet<string>): Promise<boolean> {
  const admins = await db
    .selectFrom("accounts")
    .select("id")
    .where("is_admin", "=", 1)
    .where("closed_at", "is", null)
    .where("id", "!=", accountId)
    .execute();
  return admins.some(({ id }) => !blocked.has(id));
}
