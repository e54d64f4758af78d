import { z } from "zod";
import { resourceNameSchema } from "../deploy-config.ts";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";
import { projectParamsSchema } from "./projects.ts";

/** A value that SQLite can bind. */
export const sqlParameterSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const MAX_SQL_CHARACTERS = 100_000;
const sqlStatementSchema = z.object({
  sql: z.string().min(1).max(MAX_SQL_CHARACTERS),
  params: z.array(sqlParameterSchema).max(100).optional(),
});
const databaseNameSchema = resourceNameSchema.default("main");

export const sqlMetaSchema = z.object({
  durationMs: z.number(),
  changes: z.int(),
  lastRowId: z.number(),
  rowsRead: z.int(),
  rowsWritten: z.int(),
});
export const sqlResultSchema = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.unknown())),
  results: z.array(z.record(z.string(), z.unknown())).describe("The rows as objects"),
  meta: sqlMetaSchema,
});
export type SqlResult = z.infer<typeof sqlResultSchema>;

export const projectQueryRequestSchema = sqlStatementSchema.extend({ database: databaseNameSchema });
export const projectBatchRequestSchema = z.object({
  database: databaseNameSchema,
  statements: z.array(sqlStatementSchema).min(1).max(100),
});
export const projectBatchResponseSchema = z.object({ results: z.array(sqlResultSchema) });
export const databaseQuerySchema = z.object({ database: databaseNameSchema });

export const migrationSchema = z.object({
  name: z.string().regex(/^[\w.-]{1,200}$/, "A migration is named like its file, such as 0001_create_items.sql."),
  sql: z.string().min(1).max(1_000_000),
});
export const applyMigrationsRequestSchema = z.object({
  database: databaseNameSchema,
  migrations: z.array(migrationSchema).max(1000),
  dryRun: z.boolean().default(false),
  acceptDrift: z.boolean().default(false).describe("Take what was changed outside migrations as the new state"),
});
export const migrationsResponseSchema = z.object({
  applied: z.array(
    z.object({ name: z.string(), checksum: z.string().describe("SHA-256, hex"), appliedAt: timestampSchema }),
  ),
  pending: z.array(z.string()),
  missing: z.array(z.string()).describe("Applied before and not among those given"),
  drift: z.string().nullable().describe("What was changed outside migrations, as a unified diff"),
});
export const tableSchema = z.object({
  name: z.string(),
  kind: z.enum(["table", "view", "virtual"]),
  columns: z.array(
    z.object({
      name: z.string(),
      type: z.string().describe("As declared; empty where nothing is"),
      nullable: z.boolean(),
      primaryKey: z.boolean(),
      defaultValue: z.string().nullable().describe("The SQL of the default"),
      generated: z.boolean().describe("Computed from others: read and never written"),
    }),
  ),
});
export type TableSchema = z.infer<typeof tableSchema>;
export const listTablesResponseSchema = z.object({ tables: z.array(tableSchema), nextCursor: nextCursorSchema });
export const importResponseSchema = z.object({ statements: z.int(), durationMs: z.number() });
export const listDatabasesResponseSchema = z.object({
  databases: z.array(z.object({ name: z.string(), sizeBytes: z.int() })),
  nextCursor: nextCursorSchema,
});

export const namespaceParamsSchema = projectParamsSchema.extend({ namespace: resourceNameSchema });
export const keyParamsSchema = namespaceParamsSchema.extend({ key: z.string().min(1).max(2000) });
export const listKeysQuerySchema = pageQuerySchema.extend({
  prefix: z.string().max(512).default(""),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});
export const listKeysResponseSchema = z.object({
  keys: z.array(z.object({ name: z.string(), expiresAt: timestampSchema.nullable() })),
  nextCursor: nextCursorSchema,
});
export const putKeyQuerySchema = z.object({ ttl: z.coerce.number().int().min(1).max(10_000_000_000).optional() });

export const bucketParamsSchema = projectParamsSchema.extend({ bucket: resourceNameSchema });
export const objectParamsSchema = bucketParamsSchema.extend({
  key: z.string().min(1).describe("The object's key; slashes stand for themselves"),
});
export const objectSchema = z.object({
  key: z.string(),
  sizeBytes: z.int(),
  etag: z.string(),
  contentType: z.string().nullable(),
  uploadedAt: timestampSchema,
});
export const listObjectsResponseSchema = z.object({ objects: z.array(objectSchema), nextCursor: nextCursorSchema });

export const queueParamsSchema = projectParamsSchema.extend({ queue: resourceNameSchema });
export const queueSchema = z.object({
  name: z.string(),
  backlog: z.int().describe("Messages that are not acknowledged yet"),
  available: z.int().describe("Messages that could be delivered now"),
  deadLettered: z.int().describe("Messages given up to the dead-letter queue since the queue was first used"),
  dropped: z.int().describe("Messages given up for good, where there is no dead-letter queue"),
  oldestMessageAt: timestampSchema.nullable(),
  consumer: z.string().nullable().describe("The function that consumes it"),
  endpoint: z.string().nullable().describe("The address that its messages are posted to instead"),
});
export const listQueuesResponseSchema = z.object({ queues: z.array(queueSchema), nextCursor: nextCursorSchema });
export const queueMessageSchema = z.object({
  id: z.string(),
  body: z.unknown(),
  contentType: z.string(),
  attempts: z.int(),
  sentAt: timestampSchema,
  availableAt: timestampSchema,
});
export const listMessagesResponseSchema = z.object({
  messages: z.array(queueMessageSchema),
  nextCursor: nextCursorSchema,
});
export const sendMessageRequestSchema = z.object({
  body: z.json(),
  delaySeconds: z.int().min(0).max(86_400).default(0),
});
export const sendMessageResponseSchema = z.object({ success: z.literal(true) });
export const redriveRequestSchema = z.object({
  to: resourceNameSchema.optional().describe("By default the queue whose dead letters these are"),
});
export const movedResponseSchema = z.object({ moved: z.int() });
export const purgedResponseSchema = z.object({ purged: z.int() });

/** `POST /v1/db/query` and `/v1/db/batch`: the shapes that existing clients send and read. */
export const dataQueryRequestSchema = sqlStatementSchema;
export const MAX_BATCH_STATEMENTS = 25;
export const dataBatchRequestSchema = z.object({
  queries: z.array(sqlStatementSchema).min(1).max(MAX_BATCH_STATEMENTS),
});
const dataRowSchema = z.record(z.string(), z.unknown());
export const dataQueryResponseSchema = z.object({ results: z.array(dataRowSchema), count: z.int() });
export const dataBatchResponseSchema = z.object({
  /** In the order of the statements. */
  results: z.array(
    z.object({ results: z.array(dataRowSchema).optional(), success: z.boolean(), error: z.string().optional() }),
  ),
  /** True when every statement succeeded. */
  success: z.boolean(),
});
