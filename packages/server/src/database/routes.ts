import {
  applyMigrationsRequestSchema,
  databaseQuerySchema,
  importResponseSchema,
  listDatabasesResponseSchema,
  listTablesResponseSchema,
  migrationsResponseSchema,
  projectBatchRequestSchema,
  projectBatchResponseSchema,
  projectParamsSchema,
  projectQueryRequestSchema,
  type SqlResult,
  sqlResultSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toIso } from "../kernel/page.ts";
import { textPieces } from "../kernel/read-body.ts";
import type { Principal } from "../keys/principal.ts";
import { can, type ProjectPlace } from "../teams/permissions.ts";
import { describeTables } from "./describe-tables.ts";
import type { MigrationState, Migrations } from "./migrations.ts";
import { type DatabaseService, rowObjects, type SqlMode, type SqlRows, shownCell } from "./service.ts";

export interface DatabaseRoutesOptions {
  readonly databases: DatabaseService;
  readonly migrations: Migrations;
}

const TAG = "Database";
const MAX_IMPORT_BYTES = 5 * 1024 * 1024 * 1024;
const MAX_MIGRATIONS_BYTES = 20 * 1024 * 1024;

function toResult(result: SqlRows): SqlResult {
  const { durationMs, changes, lastRowId, rowsRead, rowsWritten } = result.meta;
  return {
    columns: [...result.columns],
    rows: result.rows.map((row) => row.map(shownCell)),
    results: rowObjects(result),
    meta: { durationMs, changes, lastRowId, rowsRead, rowsWritten },
  };
}

async function* encoded(pieces: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const piece of pieces) yield encoder.encode(piece);
}

function toMigrations(state: MigrationState) {
  return {
    applied: state.applied.map(({ name, checksum, appliedAt }) => ({ name, checksum, appliedAt: toIso(appliedAt) })),
    pending: [...state.pending],
    missing: [...state.missing],
    drift: state.drift,
  };
}

/** Members with the right to may change the schema by hand; a project's key does so through migrations. */
function modeOf(principal: Principal, project: ProjectPlace): SqlMode {
  return principal.kind === "account" && can(principal, "schema.write", project) ? "full" : "data";
}

/** A project's databases for its owner: SQL of every kind, migrations, export and import. */
export function createDatabaseRoutes(options: DatabaseRoutesOptions): Route[] {
  const { databases, migrations } = options;
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/db",
      summary: "List databases",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: projectParamsSchema,
      response: { status: 200, schema: listDatabasesResponseSchema },
      async handler({ project }) {
        return { databases: [...(await databases.list(project.id))], nextCursor: null };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/db/tables",
      summary: "List tables and their columns",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: projectParamsSchema,
      query: databaseQuerySchema,
      response: { status: 200, schema: listTablesResponseSchema },
      async handler({ project, query }) {
        const tables = await describeTables(databases, { projectId: project.id, database: query.database });
        return { tables: tables.map((table) => ({ ...table, columns: [...table.columns] })), nextCursor: null };
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/db/query",
      summary: "Run a statement",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: projectParamsSchema,
      body: projectQueryRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: sqlResultSchema },
      errors: ["DB_QUERY_FAILED", "DB_QUERY_TIMEOUT", "DB_STATEMENT_REFUSED"],
      async handler({ project, principal, body }) {
        return toResult(
          await databases.query({ projectId: project.id, database: body.database }, body, modeOf(principal, project)),
        );
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/db/batch",
      summary: "Run statements as one transaction",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: projectParamsSchema,
      body: projectBatchRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: projectBatchResponseSchema },
      errors: ["DB_QUERY_FAILED", "DB_QUERY_TIMEOUT", "DB_STATEMENT_REFUSED"],
      async handler({ project, principal, body }) {
        const address = { projectId: project.id, database: body.database };
        const results = await databases.batch(address, body.statements, {
          mode: modeOf(principal, project),
          atomic: true,
        });
        return { results: results.map(toResult) };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/db/migrations",
      summary: "List applied migrations",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: projectParamsSchema,
      query: databaseQuerySchema,
      response: { status: 200, schema: migrationsResponseSchema },
      async handler({ project, query }) {
        return toMigrations(await migrations.state({ projectId: project.id, database: query.database }));
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/db/migrations",
      summary: "Apply migrations",
      description:
        "Those that are not applied yet, in the order of their names, each whole or not at all. Refused with a diff (`details.diff`) when a file was changed after it was applied, or when something that migrations made was changed by other means.",
      tag: TAG,
      auth: "management",
      permission: "schema.write",
      params: projectParamsSchema,
      body: applyMigrationsRequestSchema,
      bodyIsContent: true,
      maxBodyBytes: MAX_MIGRATIONS_BYTES,
      response: { status: 200, schema: migrationsResponseSchema },
      errors: ["DB_QUERY_FAILED", "DB_MIGRATION_DRIFT", "CONFLICT"],
      async handler({ project, body }) {
        const address = { projectId: project.id, database: body.database };
        return toMigrations(await migrations.apply(address, body.migrations, body));
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/db/export",
      summary: "Export a database as SQL",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: projectParamsSchema,
      query: databaseQuerySchema,
      response: { status: 200, contentType: "application/sql" },
      async handler({ project, query }) {
        const pieces = databases.export({ projectId: project.id, database: query.database });
        return new Response(ReadableStream.from(encoded(pieces)), {
          headers: { "content-type": "application/sql", "cache-control": "no-store" },
        });
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/db/import",
      summary: "Run a file of SQL as one transaction",
      tag: TAG,
      auth: "management",
      permission: "schema.write",
      params: projectParamsSchema,
      query: databaseQuerySchema,
      rawBody: { contentType: "application/sql", description: "Statements, separated by semicolons." },
      response: { status: 200, schema: importResponseSchema },
      errors: ["DB_QUERY_FAILED", "REQUEST_TOO_LARGE"],
      async handler({ project, query, request }) {
        const startedAt = performance.now();
        const pieces = textPieces(request, MAX_IMPORT_BYTES);
        const statements = await databases.import({ projectId: project.id, database: query.database }, pieces);
        return { statements, durationMs: performance.now() - startedAt };
      },
    }),
  ];
}
