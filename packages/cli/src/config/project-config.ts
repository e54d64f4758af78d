import type { DeployConfig, FunctionEnvironment } from "@aerostack/contracts";

export type ExtraModuleType = "text" | "data" | "wasm" | "json" | "esm" | "commonjs";

/** One function as the configuration describes it; paths are absolute. */
export interface FunctionSource {
  readonly name: string;
  /** Undefined for a folder of assets without code. */
  readonly main: string | undefined;
  readonly public: boolean | undefined;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly assetsDirectory: string | undefined;
  readonly define: Readonly<Record<string, string>>;
  readonly alias: Readonly<Record<string, string>>;
  /** How files matching a glob are read, besides the endings that are known. */
  readonly rules: readonly { readonly type: ExtraModuleType; readonly globs: readonly string[] }[];
  readonly config: DeployConfig;
}

/** A collection as the configuration describes it. */
export interface CollectionSource {
  readonly name: string;
  /** The absolute path of a JSON Schema, or the schema itself. */
  readonly schema: string | Readonly<Record<string, unknown>>;
  readonly indexes: readonly { readonly fields: readonly string[]; readonly unique?: boolean | undefined }[];
  readonly rules: Readonly<Record<string, string>>;
}

export interface ProjectConfig {
  /** The file it was read from. */
  readonly file: string;
  readonly format: "aerostack" | "wrangler";
  /** Folder of the file; relative paths in it start here. */
  readonly directory: string;
  readonly environment: FunctionEnvironment;
  /** Name for look-up and creation. */
  readonly projectName: string;
  readonly projectSlug: string | undefined;
  readonly projectId: string | undefined;
  readonly apiUrl: string | undefined;
  readonly apiKey: string | undefined;
  /** Functions that others bind to first, the main one last. */
  readonly functions: readonly FunctionSource[];
  readonly main: FunctionSource;
  /** Database that `db` commands mean when none is named. */
  readonly database: string;
  readonly migrationsDirectory: string;
  readonly migrateOnDeploy: boolean;
  readonly collections: readonly CollectionSource[];
  readonly requiredSecrets: readonly string[];
  /** What the file asks for that has no effect here, each with the reason. */
  readonly notices: readonly string[];
}
