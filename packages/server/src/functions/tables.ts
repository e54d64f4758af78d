import type { SqlMigrations } from "../kernel/sql/index.ts";

/** The tables of this capability, by the conventions of `kernel/sql`. */
export interface FunctionTables {
  functions: {
    id: string;
    project_id: string;
    name: string;
    is_public: number;
    created_at: number;
    updated_at: number;
  };
  function_versions: {
    id: string;
    function_id: string;
    number: number;
    modules: string;
    assets: string;
    compatibility_date: string;
    compatibility_flags: string;
    config: string;
    size_bytes: number;
    created_at: number;
    created_by: string;
  };
  /** Which files versions name, so that a file is known to be unused. */
  function_files: {
    function_id: string;
    version_id: string;
    sha256: string;
  };
  /** What serves now: one row per version that has a share of an environment's calls. */
  function_activations: {
    function_id: string;
    environment: string;
    version_number: number;
    percent: number;
    activated_at: number;
  };
  /** Every change of what serves, for rolling back and for showing. */
  function_activation_history: {
    id: string;
    function_id: string;
    environment: string;
    version_number: number;
    percent: number;
    reason: string;
    actor: string;
    activated_at: number;
  };
  function_secrets: {
    project_id: string;
    environment: string;
    name: string;
    /** Envelope-encrypted; never leaves the server but for the function's process. */
    value: string;
    updated_at: number;
  };
  /** The key with which a project's functions call the platform. */
  function_api_keys: {
    project_id: string;
    key_id: string;
    /** Envelope-encrypted, because a process must be told the key itself. */
    value: string;
  };
  function_cron_runs: {
    function_id: string;
    environment: string;
    cron: string;
    scheduled_at: number;
    status: string;
    error: string | null;
    finished_at: number | null;
  };
}

export const functionMigrations: SqlMigrations = {
  "0100_functions": {
    async up(db, { text, integer }) {
      await db.schema
        .createTable("functions")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("name", text, (column) => column.notNull())
        .addColumn("is_public", integer, (column) => column.notNull())
        .addColumn("created_at", integer, (column) => column.notNull())
        .addColumn("updated_at", integer, (column) => column.notNull())
        .addUniqueConstraint("functions_project_name", ["project_id", "name"])
        .execute();
      await db.schema
        .createTable("function_versions")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("function_id", text, (column) => column.notNull())
        .addColumn("number", integer, (column) => column.notNull())
        .addColumn("modules", text, (column) => column.notNull())
        .addColumn("assets", text, (column) => column.notNull())
        .addColumn("compatibility_date", text, (column) => column.notNull())
        .addColumn("compatibility_flags", text, (column) => column.notNull())
        .addColumn("config", text, (column) => column.notNull())
        .addColumn("size_bytes", integer, (column) => column.notNull())
        .addColumn("created_at", integer, (column) => column.notNull())
        .addColumn("created_by", text, (column) => column.notNull())
        .addUniqueConstraint("function_versions_number", ["function_id", "number"])
        .execute();
      await db.schema
        .createTable("function_files")
        .addColumn("function_id", text, (column) => column.notNull())
        .addColumn("version_id", text, (column) => column.notNull())
        .addColumn("sha256", text, (column) => column.notNull())
        .addPrimaryKeyConstraint("function_files_key", ["sha256", "version_id"])
        .execute();
      await db.schema.createIndex("function_files_function").on("function_files").columns(["function_id"]).execute();
      await db.schema
        .createTable("function_activations")
        .addColumn("function_id", text, (column) => column.notNull())
        .addColumn("environment", text, (column) => column.notNull())
        .addColumn("version_number", integer, (column) => column.notNull())
        .addColumn("percent", integer, (column) => column.notNull())
        .addColumn("activated_at", integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("function_activations_key", ["function_id", "environment", "version_number"])
        .execute();
      await db.schema
        .createTable("function_activation_history")
        .addColumn("id", text, (column) => column.primaryKey())
        .addColumn("function_id", text, (column) => column.notNull())
        .addColumn("environment", text, (column) => column.notNull())
        .addColumn("version_number", integer, (column) => column.notNull())
        .addColumn("percent", integer, (column) => column.notNull())
        .addColumn("reason", text, (column) => column.notNull())
        .addColumn("actor", text, (column) => column.notNull())
        .addColumn("activated_at", integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex("function_activation_history_order")
        .on("function_activation_history")
        .columns(["function_id", "environment", "id"])
        .execute();
      await db.schema
        .createTable("function_secrets")
        .addColumn("project_id", text, (column) => column.notNull())
        .addColumn("environment", text, (column) => column.notNull())
        .addColumn("name", text, (column) => column.notNull())
        .addColumn("value", text, (column) => column.notNull())
        .addColumn("updated_at", integer, (column) => column.notNull())
        .addPrimaryKeyConstraint("function_secrets_key", ["project_id", "environment", "name"])
        .execute();
      await db.schema
        .createTable("function_api_keys")
        .addColumn("project_id", text, (column) => column.primaryKey())
        .addColumn("key_id", text, (column) => column.notNull())
        .addColumn("value", text, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("function_cron_runs")
        .addColumn("function_id", text, (column) => column.notNull())
        .addColumn("environment", text, (column) => column.notNull())
        .addColumn("cron", text, (column) => column.notNull())
        .addColumn("scheduled_at", integer, (column) => column.notNull())
        .addColumn("status", text, (column) => column.notNull())
        .addColumn("error", text)
        .addColumn("finished_at", integer)
        .addPrimaryKeyConstraint("function_cron_runs_key", ["function_id", "environment", "cron", "scheduled_at"])
        .execute();
    },
  },
};
