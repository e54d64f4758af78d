import { AerostackError, bindingNameSchema, type FunctionEnvironment } from "@aerostack/contracts";
import type { Audit } from "../audit/record.ts";
import type { SealedColumn } from "../kernel/crypto/sealed-columns.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { FunctionTables } from "./tables.ts";

/** Encryption of small values at rest; `context` binds a sealed value to its place, so that rows cannot be swapped. */
export interface SecretSealer {
  seal(plaintext: string, context: string): string;
  open(sealed: string, context: string): string;
}

export interface SecretSummary {
  readonly name: string;
  readonly environment: FunctionEnvironment;
  readonly updatedAt: number;
}

/** Whose secret it is; the organisation is for the audit log. */
export interface SecretPlace {
  readonly id: string;
  readonly organisationId?: string;
}

export interface NewSecret {
  readonly project: SecretPlace;
  readonly environment: FunctionEnvironment;
  readonly name: string;
  readonly value: string;
  readonly now: number;
}

/** The log tells that a secret was set and when the one before was; never a value. */
function entryPlace({ id, organisationId }: SecretPlace, name: string) {
  return { target: { kind: "secret", id: name }, projectId: id, organisationId };
}

/** Of one secret: they are all handed to each process when it starts. */
const MAX_SECRET_BYTES = 64 * 1024;
const MAX_SECRETS = 200;

export const functionSecretSeal: SealedColumn = {
  table: "function_secrets",
  key: ["project_id", "environment", "name"],
  column: "value",
  contextOf: ({ project_id = "", environment = "", name = "" }) =>
    contextOf(project_id, environment as FunctionEnvironment, name),
};

function contextOf(projectId: string, environment: FunctionEnvironment, name: string): string {
  return `function-secret/${projectId}/${environment}/${name}`;
}

/** Values that a project's functions read from `env` and nobody reads back. */
export function createSecretStore(sql: Sql<FunctionTables>, sealer: SecretSealer, audit: Audit) {
  const { db } = sql;
  return {
    async list(projectId: string): Promise<SecretSummary[]> {
      const rows = await db
        .selectFrom("function_secrets")
        .select(["name", "environment", "updated_at"])
        .where("project_id", "=", projectId)
        .orderBy("name")
        .orderBy("environment")
        .execute();
      return rows.map((row) => ({
        name: row.name,
        environment: row.environment as FunctionEnvironment,
        updatedAt: row.updated_at,
      }));
    },

    /** @throws VALIDATION_ERROR when the name is no identifier, the value too large or the project has too many */
    async set({ project, environment, name, value, now }: NewSecret): Promise<void> {
      const projectId = project.id;
      const parsed = bindingNameSchema.safeParse(name);
      if (!parsed.success) {
        throw new AerostackError("VALIDATION_ERROR", {
          message: parsed.error.issues[0]?.message ?? "The name is not valid.",
        });
      }
      if (Buffer.byteLength(value) > MAX_SECRET_BYTES) {
        throw new AerostackError("VALUE_TOO_LARGE", { message: `A secret has at most ${MAX_SECRET_BYTES} bytes.` });
      }
      const row = {
        project_id: projectId,
        environment,
        name,
        value: sealer.seal(value, contextOf(projectId, environment, name)),
        updated_at: now,
      };
      await sql.transaction(async (tx) => {
        const before = await tx
          .selectFrom("function_secrets")
          .select("updated_at")
          .where("project_id", "=", projectId)
          .where("environment", "=", environment)
          .where("name", "=", name)
          .executeTakeFirst();
        await tx
          .insertInto("function_secrets")
          .values(row)
          .onConflict((conflict) =>
            conflict.columns(["project_id", "environment", "name"]).doUpdateSet({ value: row.value, updated_at: now }),
          )
          .execute();
        const { count } = await tx
          .selectFrom("function_secrets")
          .select((select) => select.fn.countAll().as("count"))
          .where("project_id", "=", projectId)
          .where("environment", "=", environment)
          .executeTakeFirstOrThrow();
        if (Number(count) > MAX_SECRETS) {
          throw new AerostackError("VALIDATION_ERROR", {
            message: `An environment has at most ${MAX_SECRETS} secrets.`,
          });
        }
        await audit.record(tx, {
          action: "secret.set",
          ...entryPlace(project, name),
          before: before === undefined ? undefined : { environment, updatedAt: new Date(before.updated_at) },
          after: { environment, updatedAt: new Date(now) },
        });
      });
    },

    /** False when there was none of that name. */
    async delete(project: SecretPlace, environment: FunctionEnvironment, name: string): Promise<boolean> {
      return await sql.transaction(async (tx) => {
        const before = await tx
          .deleteFrom("function_secrets")
          .where("project_id", "=", project.id)
          .where("environment", "=", environment)
          .where("name", "=", name)
          .returning("updated_at")
          .executeTakeFirst();
        if (before === undefined) return false;
        await audit.record(tx, {
          action: "secret.deleted",
          ...entryPlace(project, name),
          before: { environment, updatedAt: new Date(before.updated_at) },
        });
        return true;
      });
    },

    /** The values of one environment, for a process that is about to start. */
    async reveal(projectId: string, environment: FunctionEnvironment): Promise<Record<string, string>> {
      const rows = await db
        .selectFrom("function_secrets")
        .select(["name", "value"])
        .where("project_id", "=", projectId)
        .where("environment", "=", environment)
        .execute();
      return Object.fromEntries(
        rows.map((row) => [row.name, sealer.open(row.value, contextOf(projectId, environment, row.name))]),
      );
    },

    async deleteProject(projectId: string): Promise<void> {
      await db.deleteFrom("function_secrets").where("project_id", "=", projectId).execute();
    },
  };
}

export type SecretStore = ReturnType<typeof createSecretStore>;
