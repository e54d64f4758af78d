import { randomBytes } from "node:crypto";
import type { Envelope } from "./crypto/envelope.ts";
import type { SealedColumn } from "./crypto/sealed-columns.ts";
import type { Sql, SqlMigrations } from "./sql/index.ts";

interface InstallationKeyTables {
  installation_keys: { name: string; value: string };
}

const KEY_BYTES = 32;
const NAME = "data";

export const installationKeyMigrations: SqlMigrations = {
  "0005_installation_keys": {
    async up(db, { text }) {
      await db.schema
        .createTable("installation_keys")
        .addColumn("name", text, (column) => column.primaryKey())
        .addColumn("value", text, (column) => column.notNull())
        .execute();
    },
  },
};

export const installationKeySeal: SealedColumn = {
  table: "installation_keys",
  key: ["name"],
  column: "value",
  contextOf: ({ name }) => contextOf(name ?? ""),
};

function contextOf(name: string): string {
  return `installation-key/${name}`;
}

/**
 * The key that projects' files are encrypted under, made at the first start and kept sealed by the master key: turning the
 * master key over re-wraps these 32 bytes and rewrites no file. All nodes of an installation read the same.
 */
export async function loadInstallationKey(untyped: Sql<unknown>, envelope: Envelope): Promise<Uint8Array> {
  const { db } = untyped.withTables<InstallationKeyTables>();
  const context = contextOf(NAME);
  const fresh = envelope.seal(randomBytes(KEY_BYTES), context);
  await db
    .insertInto("installation_keys")
    .values({ name: NAME, value: fresh })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { value } = await db
    .selectFrom("installation_keys")
    .select("value")
    .where("name", "=", NAME)
    .executeTakeFirstOrThrow();
  return envelope.openBytes(value, context);
}
