import { z } from "zod";

// The keys of aerostack.toml and of wrangler's files that mean something here. Both are read by this one schema; a key
// that it does not name is reported as ignored.

const jsonValue = z.json();

const d1Schema = z.looseObject({
  binding: z.string(),
  database_name: z.string().optional(),
  database_id: z.string().optional(),
  migrations_dir: z.string().optional(),
});
const kvSchema = z.looseObject({ binding: z.string(), id: z.string().optional() });
const r2Schema = z.looseObject({ binding: z.string(), bucket_name: z.string().optional() });
const producerSchema = z.looseObject({ binding: z.string(), queue: z.string() });
const consumerSchema = z.looseObject({
  queue: z.string(),
  max_batch_size: z.number().optional(),
  max_batch_timeout: z.number().optional(),
  max_retries: z.number().optional(),
  dead_letter_queue: z.string().optional(),
  retry_delay: z.number().optional(),
});
const durableObjectSchema = z.looseObject({
  name: z.string(),
  class_name: z.string(),
  script_name: z.string().optional(),
});
/** With `service`: a binding to a deployed function. With `main`: another function of this file (and a binding, if named). */
const serviceSchema = z.looseObject({
  binding: z.string().optional(),
  service: z.string().optional(),
  entrypoint: z.string().optional(),
  name: z.string().optional(),
  main: z.string().optional(),
  public: z.boolean().optional(),
});
const assetsSchema = z.looseObject({
  directory: z.string().optional(),
  binding: z.string().optional(),
  not_found_handling: z.enum(["none", "single-page-application", "404-page"]).optional(),
  html_handling: z.enum(["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"]).optional(),
  run_worker_first: z.union([z.boolean(), z.array(z.string())]).optional(),
});
const ruleSchema = z.looseObject({ type: z.string(), globs: z.array(z.string()) });

const collectionSchema = z.looseObject({
  name: z.string(),
  /** A path to a JSON Schema, or the schema itself. */
  schema: z.union([z.string(), z.record(z.string(), z.unknown())]),
  indexes: z.array(z.looseObject({ fields: z.array(z.string()), unique: z.boolean().optional() })).optional(),
  rules: z.record(z.string(), z.string()).optional(),
});

/** What an `[env.<name>]` table may set too. */
const sectionShape = {
  name: z.string().optional(),
  main: z.string().optional(),
  public: z.boolean().optional(),
  compatibility_date: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, "is a date such as 2026-01-31")
    .optional(),
  compatibility_flags: z.array(z.string()).optional(),
  vars: z.record(z.string(), jsonValue).optional(),
  define: z.record(z.string(), z.string()).optional(),
  alias: z.record(z.string(), z.string()).optional(),
  rules: z.array(ruleSchema).optional(),
  d1_databases: z.array(d1Schema).optional(),
  kv_namespaces: z.array(kvSchema).optional(),
  r2_buckets: z.array(r2Schema).optional(),
  queues: z
    .looseObject({ producers: z.array(producerSchema).optional(), consumers: z.array(consumerSchema).optional() })
    .optional(),
  durable_objects: z.looseObject({ bindings: z.array(durableObjectSchema).optional() }).optional(),
  services: z.array(serviceSchema).optional(),
  triggers: z.looseObject({ crons: z.array(z.string()).optional() }).optional(),
  assets: assetsSchema.optional(),
  /** wrangler's list of Durable Object migrations. */
  migrations: z
    .array(
      z.looseObject({
        tag: z.string(),
        renamed_classes: z.array(z.unknown()).optional(),
        deleted_classes: z.array(z.unknown()).optional(),
        transferred_classes: z.array(z.unknown()).optional(),
      }),
    )
    .optional(),
};

export const configSectionSchema = z.looseObject(sectionShape);
export type ConfigSection = z.infer<typeof configSectionSchema>;

export const configDocumentSchema = z.looseObject({
  ...sectionShape,
  project_id: z.string().optional(),
  project_slug: z.string().optional(),
  slug: z.string().optional(),
  api_key: z.string().optional(),
  api_url: z.string().optional(),
  database: z
    .looseObject({ migrations_dir: z.string().optional(), migrate_on_deploy: z.boolean().optional() })
    .optional(),
  collections: z.array(collectionSchema).optional(),
  /** Names of required secrets, with what each is for. */
  secrets: z.record(z.string(), z.unknown()).optional(),
  /** A list: names of required secrets. A table: sections per environment. */
  env: z.union([z.array(z.string()), z.record(z.string(), configSectionSchema)]).optional(),
});
export type ConfigDocument = z.infer<typeof configDocumentSchema>;

export const SECTION_KEYS: ReadonlySet<string> = new Set(Object.keys(sectionShape));
export const DOCUMENT_KEYS: ReadonlySet<string> = new Set(Object.keys(configDocumentSchema.shape));
