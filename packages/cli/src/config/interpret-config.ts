import { existsSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import type { FunctionEnvironment } from "@aerostack/contracts";
import { configError } from "../command/cli-error.ts";
import { type ConfigDocument, type ConfigSection, DOCUMENT_KEYS, SECTION_KEYS } from "./config-document.ts";
import { mapBindings } from "./map-bindings.ts";
import type { ExtraModuleType, FunctionSource, ProjectConfig } from "./project-config.ts";
import { toName } from "./resource-name.ts";

/** What a file without a date is run with. */
const DEFAULT_COMPATIBILITY_DATE = "2024-01-01";
const DEFAULT_NAME = "aerostack-app";
/** An output of other tools' builds, which some files name although it is built from somewhere else. */
const BUILT_ENTRY = "dist/worker.js";

const RULE_TYPES: Readonly<Record<string, ExtraModuleType>> = {
  Text: "text",
  Data: "data",
  CompiledWasm: "wasm",
  ESModule: "esm",
  CommonJS: "commonjs",
};

/** Keys of wrangler's that change nothing that a reader would miss. */
const SILENT_KEYS: ReadonlySet<string> = new Set([
  "$schema",
  "account_id",
  "workers_dev",
  "observability",
  "description",
  "category",
  "tags",
]);

/** Why a known key of wrangler's has no effect. */
const REASONS: Readonly<Record<string, string>> = {
  route: "functions are reached under /f/<project>/<function> and their host form",
  routes: "functions are reached under /f/<project>/<function> and their host form",
  ai: "there is no AI binding for functions yet",
  vectorize: "there is no Vectorize binding yet",
  hyperdrive: "there is no Hyperdrive binding yet",
  browser: "there is no browser binding",
  analytics_engine_datasets: "there is no Analytics Engine binding",
  site: "use [assets] directory instead",
  build: "a custom build is not run; run it before deploying and point main at its output",
  no_bundle: "code is always bundled",
  node_compat: 'use compatibility_flags = ["nodejs_compat"]',
  postgres_databases: "there is no Postgres binding yet; pass the connection string as a secret",
};

/** Turns a checked document into what is deployed to `environment`. */
export function interpretConfig(
  document: ConfigDocument,
  file: string,
  environment: FunctionEnvironment,
): ProjectConfig {
  const directory = dirname(file);
  const format = basename(file) === "aerostack.toml" ? "aerostack" : "wrangler";
  const notices = new Set<string>();
  const override = Array.isArray(document.env) ? undefined : document.env?.[environment];
  reportIgnored(document, DOCUMENT_KEYS, "", notices);
  if (override !== undefined) reportIgnored(override, SECTION_KEYS, `env.${environment}.`, notices);
  reportOtherEnvironments(document, notices);

  const section: ConfigSection = { ...document, ...definedOnly(override ?? {}) };
  const name = toName(document.name ?? "") || DEFAULT_NAME;
  const bindings = mapBindings(section, basename(file), notices);

  const common = {
    compatibilityDate: section.compatibility_date ?? DEFAULT_COMPATIBILITY_DATE,
    compatibilityFlags: section.compatibility_flags ?? [],
    define: section.define ?? {},
    alias: section.alias ?? {},
    rules: readRules(section, notices),
  };
  const assetsDirectory = section.assets?.directory;
  const main: FunctionSource = {
    ...common,
    name,
    main: findMain(section, directory, basename(file), {
      // Front ends may need nothing but collections.
      isOptional: assetsDirectory !== undefined || (document.collections ?? []).length > 0,
    }),
    public: section.public,
    assetsDirectory: assetsDirectory === undefined ? undefined : resolve(directory, assetsDirectory),
    config: bindings.main,
  };
  const others = bindings.otherFunctions.map(
    (other): FunctionSource => ({
      ...common,
      name: other.name,
      main: resolve(directory, other.main),
      public: other.public,
      assetsDirectory: undefined,
      config: bindings.shared,
    }),
  );

  return {
    file,
    format,
    directory,
    environment,
    projectName: name,
    projectSlug: document.project_slug ?? document.slug,
    projectId: document.project_id,
    apiUrl: document.api_url,
    apiKey: document.api_key,
    functions: main.main === undefined && main.assetsDirectory === undefined ? others : [...others, main],
    main,
    database: bindings.defaultDatabase,
    migrationsDirectory: resolve(
      directory,
      document.database?.migrations_dir ?? section.d1_databases?.[0]?.migrations_dir ?? "migrations",
    ),
    migrateOnDeploy: document.database?.migrate_on_deploy ?? false,
    collections: (document.collections ?? []).map(({ name: collection, schema, indexes = [], rules = {} }) => ({
      name: collection,
      schema: typeof schema === "string" ? resolve(directory, schema) : schema,
      indexes,
      rules,
    })),
    requiredSecrets: [
      ...new Set([...Object.keys(document.secrets ?? {}), ...(Array.isArray(document.env) ? document.env : [])]),
    ],
    notices: [...notices],
  };
}

function definedOnly(section: ConfigSection): ConfigSection {
  // The name stays the project's: environments are told apart by the platform, not by names.
  return Object.fromEntries(Object.entries(section).filter(([key, value]) => value !== undefined && key !== "name"));
}

function findMain(
  section: ConfigSection,
  directory: string,
  file: string,
  { isOptional }: { readonly isOptional: boolean },
): string | undefined {
  const named = section.main === BUILT_ENTRY ? undefined : section.main;
  if (named !== undefined) {
    const path = resolve(directory, named);
    if (existsSync(path)) return path;
    throw configError(`${file}: main is '${named}', and there is no such file.`, `Create ${path}, or correct main.`);
  }
  for (const candidate of ["src/index.ts", "src/index.js", ...(section.main === undefined ? [] : [section.main])]) {
    const path = resolve(directory, candidate);
    if (existsSync(path)) return path;
  }
  if (isOptional) return undefined;
  throw configError(`${file} names no main, and there is no src/index.ts.`, 'Set main = "path/to/entry.ts".');
}

function readRules(section: ConfigSection, notices: Set<string>): FunctionSource["rules"] {
  const rules: { type: ExtraModuleType; globs: readonly string[] }[] = [];
  for (const rule of section.rules ?? []) {
    const type = RULE_TYPES[rule.type];
    if (type === undefined)
      notices.add(`rules: type '${rule.type}' is not known; it is one of ${Object.keys(RULE_TYPES).join(", ")}`);
    else rules.push({ type, globs: rule.globs });
  }
  return rules;
}

function reportIgnored(table: object, known: ReadonlySet<string>, prefix: string, notices: Set<string>): void {
  for (const [key, value] of Object.entries(table)) {
    if (known.has(key) || SILENT_KEYS.has(key) || value === false) continue;
    const reason = REASONS[key];
    notices.add(`${prefix}${key}: ${reason ?? "has no meaning here"}`);
  }
}

function reportOtherEnvironments(document: ConfigDocument, notices: Set<string>): void {
  if (document.env === undefined || Array.isArray(document.env)) return;
  for (const name of Object.keys(document.env)) {
    if (name !== "staging" && name !== "production") {
      notices.add(`env.${name}: environments are staging and production`);
    }
  }
}
