import type { IncomingHttpHeaders } from "node:http";
import type { Readable } from "node:stream";
import {
  AerostackError,
  type DeployConfig,
  deployConfigSchema,
  type FunctionEnvironment,
  functionEnvironmentSchema,
  functionNameSchema,
  type ModuleType,
} from "@aerostack/contracts";
import busboy from "busboy";
import { z } from "zod";
import type { BundleSession, StoredFile } from "./bundle-store.ts";

const MEBIBYTE = 1024 * 1024;
/** All modules of one function together. */
export const MAX_MODULES_BYTES = 64 * MEBIBYTE;
export const MAX_MODULES = 500;
export const MAX_ASSET_BYTES = 25 * MEBIBYTE;
export const MAX_ASSETS = 20_000;
const MAX_FIELD_BYTES = MEBIBYTE;
const MAX_NAME_LENGTH = 512;

/** The part that holds the function's main module. */
const MAIN_PART = "worker";
const MAIN_MODULE = "worker.js";
const ASSET_PREFIX = "assets/";

export interface BundleModule extends StoredFile {
  readonly name: string;
  readonly type: ModuleType;
}

export interface BundleAsset extends StoredFile {
  /** Path below the site's root, starting with a slash. */
  readonly path: string;
}

/** A deployment as it arrives: its files are in the bundle store already, its fields are checked. */
export interface DeployForm {
  readonly environment: FunctionEnvironment;
  readonly projectId: string | undefined;
  readonly functionName: string | undefined;
  readonly isPublic: boolean | undefined;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly config: DeployConfig;
  /** Main module first. */
  readonly modules: readonly BundleModule[];
  readonly assets: readonly BundleAsset[];
}

const MODULE_TYPE_BY_ENDING: Readonly<Record<string, ModuleType>> = {
  js: "esm",
  mjs: "esm",
  cjs: "commonjs",
  json: "json",
  wasm: "wasm",
  txt: "text",
  html: "text",
  css: "text",
  sql: "text",
  md: "text",
  svg: "text",
  xml: "text",
  csv: "text",
};

function moduleTypeOf(name: string): ModuleType {
  const ending = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return MODULE_TYPE_BY_ENDING[ending] ?? "data";
}

/** Reads a JSON field; says which field is not JSON instead of failing later. */
function jsonField<Schema extends z.ZodType>(schema: Schema) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: "custom", message: "This field is not valid JSON." });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** `bindings` as the existing CLI sends it: what the platform attaches itself is left out by that CLI already. */
const legacyBindingsSchema = z.object({
  d1_databases: z.array(z.object({ binding: z.string(), database_name: z.string().optional() })).optional(),
  kv_namespaces: z.array(z.object({ binding: z.string(), id: z.string().optional() })).optional(),
  queues: z.array(z.object({ binding: z.string(), queue: z.string() })).optional(),
  ai: z.boolean().optional(),
});

const DEFAULT_COMPATIBILITY_DATE = "2024-01-01";

const fieldsSchema = z.object({
  env: functionEnvironmentSchema.default("production"),
  project_id: z.string().max(100).optional(),
  name: functionNameSchema.optional(),
  isPublic: z.enum(["true", "false"]).optional(),
  compatibility_date: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, "A compatibility date is written YYYY-MM-DD.")
    .default(DEFAULT_COMPATIBILITY_DATE),
  compatibility_flags: jsonField(z.array(z.string().regex(/^[a-z0-9_]{1,100}$/)).max(50)).default([]),
  bindings: jsonField(legacyBindingsSchema).optional(),
  config: jsonField(deployConfigSchema).optional(),
});

function resourceName(name: string | undefined, fallback: string): string {
  const cleaned = (name ?? "")
    .toLowerCase()
    .replace(/[^a-z0-9_-]+/g, "-")
    .replace(/^[-_]+/, "")
    .slice(0, 63);
  return cleaned === "" ? fallback : cleaned;
}

function configOf(fields: z.infer<typeof fieldsSchema>): DeployConfig {
  if (fields.config !== undefined) return fields.config;
  const bindings = fields.bindings ?? {};
  return deployConfigSchema.parse({
    d1Databases: bindings.d1_databases?.map((one) => ({
      binding: one.binding,
      database: one.binding === "DB" ? "main" : resourceName(one.database_name, "main"),
    })),
    kvNamespaces: bindings.kv_namespaces?.map((one) => ({
      binding: one.binding,
      namespace: one.binding === "CACHE" ? "default" : resourceName(one.id, "default"),
    })),
    queueProducers: bindings.queues?.map((one) => ({
      binding: one.binding,
      queue: one.binding === "QUEUE" ? "default" : resourceName(one.queue, "default"),
    })),
  });
}

/** A zod failure as the error that the edge renders: one message per field. */
function parseFields(raw: Readonly<Record<string, string>>): z.infer<typeof fieldsSchema> {
  const parsed = fieldsSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const fieldErrors: Record<string, string[]> = {};
  for (const issue of parsed.error.issues) {
    const field = issue.path.join(".") || "form";
    fieldErrors[field] = [...(fieldErrors[field] ?? []), issue.message];
  }
  const [field, messages] = Object.entries(fieldErrors)[0] ?? ["form", []];
  throw new AerostackError("VALIDATION_ERROR", {
    message: `The field '${field}' is not valid: ${messages[0] ?? "see the details"}`,
    details: { fieldErrors },
  });
}

/** A relative path without steps upwards, empty segments or control characters. */
function assertSafePath(path: string, what: string): void {
  const segments = path.split("/");
  const unsafe = segments.some((segment) => segment === "" || segment === "." || segment === "..");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (unsafe || path.length > MAX_NAME_LENGTH || /[\u0000-\u001f\\]/.test(path)) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: `The ${what} name ${JSON.stringify(path.slice(0, 100))} is not allowed.`,
    });
  }
}

/** @throws REQUEST_MALFORMED when the content type names no boundary */
function openParser(headers: IncomingHttpHeaders): busboy.Busboy {
  try {
    return busboy({
      headers,
      preservePath: true,
      limits: {
        fieldSize: MAX_FIELD_BYTES,
        fields: 50,
        files: MAX_ASSETS + MAX_MODULES,
        parts: MAX_ASSETS + MAX_MODULES + 50,
      },
    });
  } catch (cause) {
    throw new AerostackError("REQUEST_MALFORMED", { message: "The multipart form names no boundary.", cause });
  }
}

/**
 * Reads the multipart body of a deployment, keeping its files in the bundle store as they arrive.
 *
 * @throws VALIDATION_ERROR, REQUEST_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE
 */
export async function readDeployForm(
  body: Readable,
  headers: IncomingHttpHeaders,
  bundles: BundleSession,
): Promise<DeployForm> {
  if (!/^multipart\/form-data\s*;/i.test(headers["content-type"] ?? "")) {
    throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", { message: "A deployment is sent as multipart/form-data." });
  }
  const raw: Record<string, string> = {};
  const modules: BundleModule[] = [];
  const assets: BundleAsset[] = [];
  const pending: Promise<void>[] = [];
  let modulesBytes = 0;

  async function keepModule(partName: string, content: Readable): Promise<void> {
    const name = partName === MAIN_PART ? MAIN_MODULE : partName;
    const stored = await bundles.put(content, MAX_MODULES_BYTES);
    modulesBytes += stored.sizeBytes;
    if (modulesBytes > MAX_MODULES_BYTES || modules.length >= MAX_MODULES) {
      throw new AerostackError("REQUEST_TOO_LARGE", {
        message: `A function has at most ${MAX_MODULES} modules of ${MAX_MODULES_BYTES / MEBIBYTE} MB together.`,
      });
    }
    const module = { name, type: partName === MAIN_PART ? ("esm" as const) : moduleTypeOf(name), ...stored };
    if (partName === MAIN_PART) modules.unshift(module);
    else modules.push(module);
  }

  async function keepAsset(path: string, content: Readable): Promise<void> {
    const stored = await bundles.put(content, MAX_ASSET_BYTES);
    if (assets.length >= MAX_ASSETS) {
      throw new AerostackError("REQUEST_TOO_LARGE", { message: `A site has at most ${MAX_ASSETS} files.` });
    }
    assets.push({ path: `/${path}`, ...stored });
  }

  async function keepPart(partName: string, content: Readable): Promise<void> {
    try {
      if (partName.startsWith(ASSET_PREFIX)) {
        const path = partName.slice(ASSET_PREFIX.length);
        assertSafePath(path, "asset");
        await keepAsset(path, content);
      } else if (partName.endsWith(".map")) {
        content.resume();
      } else {
        assertSafePath(partName, "module");
        await keepModule(partName, content);
      }
    } finally {
      content.resume();
    }
  }

  const parser = openParser(headers);
  try {
    await new Promise<void>((resolve, reject) => {
      parser.on("field", (name, value, info) => {
        if (info.valueTruncated) {
          reject(new AerostackError("REQUEST_TOO_LARGE", { message: `The field '${name}' is too large.` }));
        } else raw[name] = value;
      });
      parser.on("file", (name, content) => {
        const kept = keepPart(name, content);
        pending.push(kept);
        kept.catch(reject);
      });
      parser.on("close", resolve);
      parser.on("error", reject);
      body.on("error", reject);
      // A client that leaves ends the body without its end.
      body.on("close", () => {
        if (!body.readableEnded) reject(new Error("the client closed the connection"));
      });
      body.pipe(parser);
    });
    await Promise.all(pending);
  } catch (cause) {
    body.unpipe(parser);
    body.resume();
    parser.destroy();
    await Promise.allSettled(pending);
    throw cause instanceof AerostackError ? cause : new AerostackError("REQUEST_MALFORMED", { cause });
  }

  const fields = parseFields(raw);
  if (modules[0]?.name !== MAIN_MODULE) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: `The form has no file part '${MAIN_PART}', the function's main module.`,
      details: { fieldErrors: { [MAIN_PART]: ["This file is required."] } },
    });
  }
  const names = new Set(modules.map((module) => module.name));
  if (names.size !== modules.length) {
    throw new AerostackError("VALIDATION_ERROR", { message: "Two modules of the bundle have the same name." });
  }
  return {
    environment: fields.env,
    projectId: fields.project_id,
    functionName: fields.name,
    isPublic: fields.isPublic === undefined ? undefined : fields.isPublic === "true",
    compatibilityDate: fields.compatibility_date,
    compatibilityFlags: fields.compatibility_flags,
    config: configOf(fields),
    modules,
    assets,
  };
}
