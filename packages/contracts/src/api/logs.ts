import { z } from "zod";
import { functionEnvironmentSchema } from "../deploy-config.ts";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";

export const logKindSchema = z.enum(["request", "console", "exception", "event"]);
export const logLevelSchema = z.enum(["debug", "info", "warn", "error"]);

export const logEntrySchema = z.object({
  id: z.string(),
  time: timestampSchema,
  kind: logKindSchema,
  level: logLevelSchema,
  message: z.string(),
  requestId: z.string().nullable(),
  function: z.string().nullable(),
  env: functionEnvironmentSchema.nullable(),
  version: z.int().nullable(),
  method: z.string().nullable(),
  path: z.string().nullable(),
  status: z.int().nullable(),
  latencyMs: z.number().nullable(),
  keyId: z.string().nullable(),
  ip: z.string().nullable(),
  region: z.string().nullable(),
});
export type LogLine = z.infer<typeof logEntrySchema>;

export const logFilterQuerySchema = z.object({
  function: z.string().max(100).optional(),
  env: functionEnvironmentSchema.optional(),
  kind: logKindSchema.optional(),
  level: logLevelSchema.optional().describe("This level and those above it"),
  status: z
    .string()
    .regex(/^[1-5](?:\d\d|xx)$/, "A status is three digits, or a class such as 4xx.")
    .optional(),
  text: z.string().min(1).max(200).optional().describe("Part of the message or path"),
  requestId: z.string().max(100).optional(),
  ip: z.union([z.ipv4(), z.ipv6()]).optional().describe("Only requests of this address"),
});
export const logQuerySchema = logFilterQuerySchema.extend({
  ...pageQuerySchema.shape,
  since: timestampSchema.optional(),
  until: timestampSchema.optional(),
});
export type LogQuery = z.infer<typeof logQuerySchema>;
export const listLogsResponseSchema = z.object({ logs: z.array(logEntrySchema), nextCursor: nextCursorSchema });
