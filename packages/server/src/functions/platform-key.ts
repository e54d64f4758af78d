import type { SealedColumn } from "../kernel/crypto/sealed-columns.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { SecretSealer } from "./secret-store.ts";
import type { FunctionTables } from "./tables.ts";

export interface PlatformKeysOptions {
  readonly sql: Sql<FunctionTables>;
  readonly sealer: SecretSealer;
  /** Makes a secret key of the project. */
  readonly createKey: (projectId: string) => Promise<{ readonly id: string; readonly secret: string }>;
  readonly revokeKey: (projectId: string, keyId: string) => Promise<void>;
}

export const platformKeySeal: SealedColumn = {
  table: "function_api_keys",
  key: ["project_id"],
  column: "value",
  contextOf: ({ project_id = "" }) => contextOf(project_id),
};

function contextOf(projectId: string): string {
  return `function-api-key/${projectId}`;
}

/**
 * The secret key that a project's functions read as `env.AEROSTACK_API_KEY`, made when it is first needed. It is listed
 * among the project's keys and can be revoked there like any other.
 */
export function createPlatformKeys({ sql, sealer, createKey, revokeKey }: PlatformKeysOptions) {
  async function find(projectId: string): Promise<string | undefined> {
    const row = await sql.db
      .selectFrom("function_api_keys")
      .select("value")
      .where("project_id", "=", projectId)
      .executeTakeFirst();
    return row === undefined ? undefined : sealer.open(row.value, contextOf(projectId));
  }

  return {
    async keyOf(projectId: string): Promise<string> {
      const existing = await find(projectId);
      if (existing !== undefined) return existing;
      const made = await createKey(projectId);
      const inserted = await sql.db
        .insertInto("function_api_keys")
        .values({ project_id: projectId, key_id: made.id, value: sealer.seal(made.secret, contextOf(projectId)) })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if ((inserted.numInsertedOrUpdatedRows ?? 0n) > 0n) return made.secret;
      // Another node was first: its key counts.
      await revokeKey(projectId, made.id);
      return (await find(projectId)) ?? made.secret;
    },
    async forget(projectId: string): Promise<void> {
      await sql.db.deleteFrom("function_api_keys").where("project_id", "=", projectId).execute();
    },
  };
}
