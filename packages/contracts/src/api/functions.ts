import { z } from "zod";
import { deployConfigSchema, functionEnvironmentSchema, functionNameSchema } from "../deploy-config.ts";
import { nextCursorSchema, pageQuerySchema, timestampSchema } from "./common.ts";
import { projectParamsSchema } from "./projects.ts";

const versionNumberSchema = z.coerce.number().int().min(1).max(1_000_000_000);

export const activationSchema = z.object({
  env: functionEnvironmentSchema,
  version: z.int(),
  percent: z.int().describe("Share of the calls, 1 to 100"),
  activatedAt: timestampSchema,
});

export const functionSchema = z.object({
  id: z.string(),
  name: z.string(),
  isPublic: z.boolean().describe("False: a call needs a key of the project"),
  url: z.string().describe("Address of the production environment"),
  active: z.array(activationSchema),
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type FunctionSummary = z.infer<typeof functionSchema>;

export const functionVersionSchema = z.object({
  id: z.string(),
  number: z.int(),
  compatibilityDate: z.string(),
  compatibilityFlags: z.array(z.string()),
  config: deployConfigSchema,
  modules: z.array(z.object({ name: z.string(), type: z.string(), sizeBytes: z.int(), sha256: z.string() })),
  assetCount: z.int(),
  sizeBytes: z.int(),
  message: z.string().nullable(),
  createdAt: timestampSchema,
  createdBy: z.string(),
  active: z.array(activationSchema),
});
export type FunctionVersionDetails = z.infer<typeof functionVersionSchema>;

export const functionParamsSchema = projectParamsSchema.extend({ function: z.string().min(1).max(100) });
export const functionVersionParamsSchema = functionParamsSchema.extend({ version: versionNumberSchema });

export const listFunctionsResponseSchema = z.object({
  functions: z.array(functionSchema),
  nextCursor: nextCursorSchema,
});
export const functionResponseSchema = z.object({ function: functionSchema });
export const updateFunctionRequestSchema = z.object({ isPublic: z.boolean() });
export const listVersionsQuerySchema = pageQuerySchema.extend({ env: functionEnvironmentSchema.optional() });
export const listVersionsResponseSchema = z.object({
  versions: z.array(functionVersionSchema),
  nextCursor: nextCursorSchema,
});
export const versionResponseSchema = z.object({ version: functionVersionSchema });

export const versionDiffQuerySchema = z.object({ against: versionNumberSchema });
export const versionDiffResponseSchema = z.object({
  from: z.int(),
  to: z.int(),
  changes: z.array(
    z.object({
      path: z.string().describe("What changed, such as `config.crons` or `modules/worker.js`"),
      before: z.json().nullable(),
      after: z.json().nullable(),
    }),
  ),
});
export type VersionDiff = z.infer<typeof versionDiffResponseSchema>;

export const rollbackRequestSchema = z.object({
  env: functionEnvironmentSchema.default("production"),
  version: versionNumberSchema.optional().describe("By default the version that served before"),
});
export const rolloutRequestSchema = z.object({
  env: functionEnvironmentSchema.default("production"),
  version: versionNumberSchema,
  percent: z.int().min(1).max(100),
});

/** The fields are those that existing clients of `POST /api/v1/cli/deploy` read, and the version. */
export const deployResponseSchema = z.object({
  success: z.literal(true),
  scriptName: z.string(),
  url: z.string(),
  publicUrl: z.string(),
  env: functionEnvironmentSchema,
  isPublic: z.boolean(),
  project: z.object({ id: z.string(), name: z.string(), slug: z.string() }),
  version: z.object({ id: z.string(), number: z.int() }),
});
export type DeployResponse = z.infer<typeof deployResponseSchema>;

export const projectMetadataQuerySchema = z.object({ project: z.string().min(1).max(100) });
export const projectMetadataResponseSchema = z.object({
  projectId: z.string(),
  name: z.string(),
  slug: z.string(),
  collections: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      slug: z.string(),
      schema_component_id: z.string(),
      schema: z.string().nullable().describe("JSON Schema, as text"),
    }),
  ),
  hooks: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      slug: z.string(),
      event_type: z.string(),
      type: z.string(),
      is_public: z.int(),
      allowed_methods: z.array(z.string()),
    }),
  ),
});
export type ProjectMetadata = z.infer<typeof projectMetadataResponseSchema>;

export const secretSchema = z.object({ name: z.string(), env: functionEnvironmentSchema, updatedAt: timestampSchema });
export const secretQuerySchema = z.object({ env: functionEnvironmentSchema.default("production") });
export const listSecretsQuerySchema = z.object({ env: functionEnvironmentSchema.optional() });
export const listSecretsResponseSchema = z.object({ secrets: z.array(secretSchema), nextCursor: nextCursorSchema });
export const secretParamsSchema = projectParamsSchema.extend({ name: z.string().min(1).max(100) });
export const setSecretRequestSchema = z.object({
  value: z.string().max(65_536),
  env: functionEnvironmentSchema.default("production"),
});

export const cronStatusSchema = z.object({
  function: functionNameSchema,
  env: functionEnvironmentSchema,
  cron: z.string(),
  nextRunAt: timestampSchema.nullable(),
  lastRun: z
    .object({
      scheduledAt: timestampSchema,
      status: z.enum(["running", "ok", "failed", "missed"]),
      error: z.string().nullable(),
    })
    .nullable(),
});
export const listCronsResponseSchema = z.object({ crons: z.array(cronStatusSchema), nextCursor: nextCursorSchema });
export const runCronRequestSchema = z.object({
  cron: z.string().max(100),
  env: functionEnvironmentSchema.default("production"),
});
export const runCronResponseSchema = z.object({ outcome: z.string() });
