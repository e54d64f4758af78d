import { z } from "zod";
import { RESOURCE_NAME_PATTERN } from "./resource-name.ts";

/** The name of a binding or variable: what a function reads as `env.<name>`. */
export const bindingNameSchema = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/, "A binding name is a JavaScript identifier of at most 64 characters.");

/** The name of a database, namespace, bucket or queue within its project. */
export const resourceNameSchema = z
  .string()
  .regex(RESOURCE_NAME_PATTERN, "Use 1 to 63 lower-case letters, digits, '-' or '_', starting with a letter or digit.");

/** A name that a deployment gives to a resource; the ending is how staging's own resources are told apart. */
const ownResourceNameSchema = resourceNameSchema.refine((name) => !name.endsWith("-staging"), {
  error: "A name may not end in '-staging': the resources of the staging environment are called so.",
});

/** The name of a function within its project; also a DNS label, because it is part of the host form of its address. */
export const functionNameSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "Use 1 to 63 lower-case letters, digits or '-', not at either end.");

export const functionEnvironmentSchema = z.enum(["staging", "production"]);
export type FunctionEnvironment = z.infer<typeof functionEnvironmentSchema>;

/** Five fields in UTC: minute, hour, day of month, month, day of week. */
export const cronExpressionSchema = z
  .string()
  .max(100)
  .regex(
    /^\S+(?: +\S+){4}$/,
    "A cron expression has five fields: minute, hour, day of month, month, day of week (UTC).",
  );

const queueConsumerSchema = z.strictObject({
  queue: ownResourceNameSchema,
  /** Messages handed to `queue()` at once. */
  maxBatchSize: z.int().min(1).max(100).default(10),
  /** How long an incomplete batch waits for more messages. */
  maxBatchTimeoutSeconds: z.number().min(0).max(60).default(1),
  /** Deliveries after the first before a message goes to the dead-letter queue, or is dropped where there is none. */
  maxRetries: z.int().min(0).max(100).default(3),
  retryDelaySeconds: z.int().min(0).max(43_200).default(0),
  deadLetterQueue: ownResourceNameSchema.optional(),
});
export type QueueConsumerConfig = z.infer<typeof queueConsumerSchema>;

const assetsConfigSchema = z.strictObject({
  binding: bindingNameSchema.default("ASSETS"),
  /** What answers a path that no file has: the function, `/index.html` with 200, or the nearest `404.html` with 404. */
  notFoundHandling: z.enum(["none", "single-page-application", "404-page"]).default("none"),
  htmlHandling: z
    .enum(["auto-trailing-slash", "force-trailing-slash", "drop-trailing-slash", "none"])
    .default("auto-trailing-slash"),
  /** True: the function sees every request and serves files itself through the binding. */
  runWorkerFirst: z.boolean().default(false),
});
export type AssetsConfig = z.infer<typeof assetsConfigSchema>;

/**
 * What a deployment asks for besides its code: the `config` field (JSON) of `POST /api/v1/cli/deploy`. Bindings that are
 * not named are still there under their default names: DB, CACHE, STORAGE and QUEUE.
 */
export const deployConfigSchema = z.strictObject({
  vars: z.record(bindingNameSchema, z.json()).default({}),
  d1Databases: z
    .array(z.strictObject({ binding: bindingNameSchema, database: ownResourceNameSchema }))
    .max(20)
    .default([]),
  kvNamespaces: z
    .array(z.strictObject({ binding: bindingNameSchema, namespace: ownResourceNameSchema }))
    .max(20)
    .default([]),
  r2Buckets: z
    .array(z.strictObject({ binding: bindingNameSchema, bucket: ownResourceNameSchema }))
    .max(20)
    .default([]),
  queueProducers: z
    .array(z.strictObject({ binding: bindingNameSchema, queue: ownResourceNameSchema }))
    .max(20)
    .default([]),
  queueConsumers: z.array(queueConsumerSchema).max(20).default([]),
  /** Other functions of the same project, called as `env.<binding>.fetch(…)` or by RPC on a named entrypoint. */
  services: z
    .array(
      z.strictObject({
        binding: bindingNameSchema,
        service: functionNameSchema,
        entrypoint: bindingNameSchema.optional(),
      }),
    )
    .max(50)
    .default([]),
  durableObjects: z
    .array(z.strictObject({ binding: bindingNameSchema, className: bindingNameSchema }))
    .max(20)
    .default([]),
  crons: z.array(cronExpressionSchema).max(20).default([]),
  assets: assetsConfigSchema.optional(),
  /** A note kept with the version, such as a commit's subject. */
  message: z.string().max(500).optional(),
});
export type DeployConfig = z.infer<typeof deployConfigSchema>;

/** How a module of a bundle is read by the runtime, told by the ending of its name. */
export const MODULE_TYPES = ["esm", "commonjs", "text", "data", "wasm", "json"] as const;
export type ModuleType = (typeof MODULE_TYPES)[number];
