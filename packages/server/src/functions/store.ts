import { deployConfigSchema, type FunctionEnvironment } from "@aerostack/contracts";
import type { Kysely, Selectable } from "kysely";
import type { Sql } from "../kernel/sql/index.ts";
import type { FunctionTables } from "./tables.ts";
import type { Activation, ActivationReason, ActiveFunction, FunctionRecord, FunctionVersion } from "./types.ts";

export interface ActivationChange {
  readonly functionId: string;
  readonly environment: FunctionEnvironment;
  /** Shares that replace what serves now; they add up to 100. */
  readonly shares: readonly { readonly versionNumber: number; readonly percent: number }[];
  readonly reason: ActivationReason;
  readonly actor: string;
  readonly now: number;
  readonly createId: () => string;
}

export type NewVersion = Omit<FunctionVersion, "number" | "functionId">;

function recordOf(row: Selectable<FunctionTables["functions"]>): FunctionRecord {
  return {
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    isPublic: row.is_public === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function versionOf(row: Selectable<FunctionTables["function_versions"]>): FunctionVersion {
  return {
    id: row.id,
    functionId: row.function_id,
    number: row.number,
    modules: JSON.parse(row.modules),
    assets: JSON.parse(row.assets),
    compatibilityDate: row.compatibility_date,
    compatibilityFlags: JSON.parse(row.compatibility_flags),
    // Through the schema, so that a version from before a setting existed gets that setting's default.
    config: deployConfigSchema.parse(JSON.parse(row.config)),
    sizeBytes: row.size_bytes,
    createdAt: row.created_at,
    createdBy: row.created_by,
  };
}

function activationOf(row: Selectable<FunctionTables["function_activations"]>): Activation {
  return {
    functionId: row.function_id,
    environment: row.environment as FunctionEnvironment,
    versionNumber: row.version_number,
    percent: row.percent,
    activatedAt: row.activated_at,
  };
}

async function replaceActivations(db: Kysely<FunctionTables>, change: ActivationChange): Promise<void> {
  const { functionId, environment, now } = change;
  await db
    .deleteFrom("function_activations")
    .where("function_id", "=", functionId)
    .where("environment", "=", environment)
    .execute();
  for (const { versionNumber, percent } of change.shares) {
    const row = { function_id: functionId, environment, version_number: versionNumber, percent, activated_at: now };
    await db.insertInto("function_activations").values(row).execute();
    await db
      .insertInto("function_activation_history")
      .values({ ...row, id: change.createId(), reason: change.reason, actor: change.actor })
      .execute();
  }
  await db.updateTable("functions").set({ updated_at: now }).where("id", "=", functionId).execute();
}

/** Functions, their versions and what of them serves, in the control plane's database. */
export function createFunctionStore(sql: Sql<FunctionTables>) {
  const { db } = sql;
  return {
    async findByName(projectId: string, name: string): Promise<FunctionRecord | null> {
      const row = await db
        .selectFrom("functions")
        .selectAll()
        .where("project_id", "=", projectId)
        .where("name", "=", name)
        .executeTakeFirst();
      return row === undefined ? null : recordOf(row);
    },

    async list(projectId: string, limit: number, afterName: string): Promise<FunctionRecord[]> {
      const rows = await db
        .selectFrom("functions")
        .selectAll()
        .where("project_id", "=", projectId)
        .where("name", ">", afterName)
        .orderBy("name")
        .limit(limit)
        .execute();
      return rows.map(recordOf);
    },

    async setPublic(functionId: string, isPublic: boolean, now: number): Promise<void> {
      await db
        .updateTable("functions")
        .set({ is_public: isPublic ? 1 : 0, updated_at: now })
        .where("id", "=", functionId)
        .execute();
    },

    /** Stores a version under the next number of its function, making the function when it is new. Nothing serves yet. */
    async addVersion(target: Omit<FunctionRecord, "updatedAt">, version: NewVersion): Promise<FunctionVersion> {
      return await sql.transaction(async (tx) => {
        await tx
          .insertInto("functions")
          .values({
            id: target.id,
            project_id: target.projectId,
            name: target.name,
            is_public: target.isPublic ? 1 : 0,
            created_at: target.createdAt,
            updated_at: target.createdAt,
          })
          .onConflict((conflict) => conflict.columns(["project_id", "name"]).doNothing())
          .execute();
        const record = await tx
          .selectFrom("functions")
          .select("id")
          .where("project_id", "=", target.projectId)
          .where("name", "=", target.name)
          .executeTakeFirstOrThrow();
        const last = await tx
          .selectFrom("function_versions")
          .select((select) => select.fn.max("number").as("number"))
          .where("function_id", "=", record.id)
          .executeTakeFirst();
        const number = Number(last?.number ?? 0) + 1;
        await tx
          .insertInto("function_versions")
          .values({
            id: version.id,
            function_id: record.id,
            number,
            modules: JSON.stringify(version.modules),
            assets: JSON.stringify(version.assets),
            compatibility_date: version.compatibilityDate,
            compatibility_flags: JSON.stringify(version.compatibilityFlags),
            config: JSON.stringify(version.config),
            size_bytes: version.sizeBytes,
            created_at: version.createdAt,
            created_by: version.createdBy,
          })
          .execute();
        const files = new Set([...version.modules, ...version.assets].map((file) => file.sha256));
        const rows = [...files].map((sha256) => ({ function_id: record.id, version_id: version.id, sha256 }));
        await sql.insertMany("function_files", rows, { trx: tx });
        return { ...version, functionId: record.id, number };
      });
    },

    async findVersion(functionId: string, number: number): Promise<FunctionVersion | null> {
      const row = await db
        .selectFrom("function_versions")
        .selectAll()
        .where("function_id", "=", functionId)
        .where("number", "=", number)
        .executeTakeFirst();
      return row === undefined ? null : versionOf(row);
    },

    /** Newest first; with an environment, only versions that have served it. */
    async listVersions(
      functionId: string,
      limit: number,
      beforeNumber: number,
      environment?: FunctionEnvironment,
    ): Promise<FunctionVersion[]> {
      let query = db
        .selectFrom("function_versions")
        .selectAll()
        .where("function_id", "=", functionId)
        .where("number", "<", beforeNumber);
      if (environment !== undefined) {
        query = query.where("number", "in", (served) =>
          served
            .selectFrom("function_activation_history")
            .select("version_number")
            .where("function_id", "=", functionId)
            .where("environment", "=", environment),
        );
      }
      const rows = await query.orderBy("number", "desc").limit(limit).execute();
      return rows.map(versionOf);
    },

    async activations(functionId: string): Promise<Activation[]> {
      const rows = await db
        .selectFrom("function_activations")
        .selectAll()
        .where("function_id", "=", functionId)
        .orderBy("version_number", "desc")
        .execute();
      return rows.map(activationOf);
    },

    async activate(change: ActivationChange): Promise<void> {
      await sql.transaction((tx) => replaceActivations(tx, change));
    },

    /** The version that served alone before the one that serves now, or null. */
    async previousVersionNumber(
      functionId: string,
      environment: FunctionEnvironment,
      current: number,
    ): Promise<number | null> {
      const row = await db
        .selectFrom("function_activation_history")
        .select("version_number")
        .where("function_id", "=", functionId)
        .where("environment", "=", environment)
        .where("percent", "=", 100)
        .where("version_number", "!=", current)
        .orderBy("id", "desc")
        .executeTakeFirst();
      return row?.version_number ?? null;
    },

    /** Everything that serves in a project, with what a process needs to run it. */
    async activeFunctions(projectId: string): Promise<ActiveFunction[]> {
      const rows = await db
        .selectFrom("function_activations as a")
        .innerJoin("functions as f", "f.id", "a.function_id")
        .innerJoin("function_versions as v", (join) =>
          join.onRef("v.function_id", "=", "a.function_id").onRef("v.number", "=", "a.version_number"),
        )
        .selectAll("v")
        .select([
          "a.environment",
          "a.percent",
          "a.activated_at",
          "f.project_id",
          "f.name",
          "f.is_public",
          "f.updated_at",
        ])
        .select("f.created_at as function_created_at")
        .where("f.project_id", "=", projectId)
        .orderBy("f.name")
        .orderBy("a.environment")
        .orderBy("a.version_number")
        .execute();
      return rows.map((row) => ({
        record: recordOf({
          id: row.function_id,
          project_id: row.project_id,
          name: row.name,
          is_public: row.is_public,
          created_at: row.function_created_at,
          updated_at: row.updated_at,
        }),
        version: versionOf(row),
        environment: row.environment as FunctionEnvironment,
        percent: row.percent,
        activatedAt: row.activated_at,
      }));
    },

    /** Ids of the projects that have an active function with a cron expression or a queue consumer. */
    async projectsWithTriggers(): Promise<string[]> {
      const rows = await db
        .selectFrom("function_activations as a")
        .innerJoin("functions as f", "f.id", "a.function_id")
        .innerJoin("function_versions as v", (join) =>
          join.onRef("v.function_id", "=", "a.function_id").onRef("v.number", "=", "a.version_number"),
        )
        .select("f.project_id")
        .distinct()
        .where("v.config", "not like", '%"crons":[]%')
        .execute();
      return rows.map((row) => row.project_id);
    },

    async isFileUsed(sha256: string): Promise<boolean> {
      const row = await db
        .selectFrom("function_files")
        .select("version_id")
        .where("sha256", "=", sha256)
        .limit(1)
        .executeTakeFirst();
      return row !== undefined;
    },

    /** Removes a function with all of its versions. @returns the files that they named */
    async remove(functionId: string): Promise<string[]> {
      return await sql.transaction(async (tx) => {
        const files = await tx
          .selectFrom("function_files")
          .select("sha256")
          .distinct()
          .where("function_id", "=", functionId)
          .execute();
        for (const table of [
          "function_files",
          "function_activations",
          "function_activation_history",
          "function_cron_runs",
          "function_versions",
        ] as const) {
          await tx.deleteFrom(table).where("function_id", "=", functionId).execute();
        }
        await tx.deleteFrom("functions").where("id", "=", functionId).execute();
        return files.map((file) => file.sha256);
      });
    },
  };
}

export type FunctionStore = ReturnType<typeof createFunctionStore>;
