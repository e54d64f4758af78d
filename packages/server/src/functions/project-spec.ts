import type { FunctionSpec, ProjectSpec } from "@aerostack/runtime";
import type { BundleStore } from "./bundle-store.ts";
import { resolveBindings } from "./resource-names.ts";
import type { SecretStore } from "./secret-store.ts";
import { type ActiveFunction, functionKey } from "./types.ts";

export interface ProjectSpecOptions {
  readonly bundles: BundleStore;
  readonly secrets: SecretStore;
  /** The key with which the project's own functions call the platform. */
  readonly projectApiKey: (projectId: string) => Promise<string>;
  /** Origin that functions call the platform at. */
  readonly platformUrl: string;
}

/** What a project's process needs to know of one function version. */
function functionSpec(
  active: Omit<ActiveFunction, "percent" | "activatedAt">,
  rollout: "stable" | "candidate",
  bundles: BundleStore,
  secrets: Record<string, string>,
  apiKey: string,
): FunctionSpec {
  const { record, version, environment } = active;
  return {
    key: functionKey(record.name, environment, version.number),
    name: record.name,
    environment,
    versionNumber: version.number,
    rollout,
    modules: version.modules.map((module) => ({
      name: module.name,
      type: module.type,
      open: bundles.opener(module.sha256),
      sha256: module.sha256,
    })),
    compatibilityDate: version.compatibilityDate,
    compatibilityFlags: [...version.compatibilityFlags],
    config: resolveBindings(version.config, environment),
    secrets,
    apiKey,
    assets: version.assets.map((asset) => ({
      path: asset.path,
      open: bundles.opener(asset.sha256),
      sizeBytes: asset.sizeBytes,
      sha256: asset.sha256,
    })),
  };
}

/** Of two versions that share an environment the newer is the candidate. */
function rolloutOf(
  active: Pick<ActiveFunction, "record" | "version" | "environment">,
  all: readonly Pick<ActiveFunction, "record" | "version" | "environment">[],
): "stable" | "candidate" {
  const hasOlder = all.some(
    (other) =>
      other.record.name === active.record.name &&
      other.environment === active.environment &&
      other.version.number < active.version.number,
  );
  return hasOlder ? "candidate" : "stable";
}

/** Describes to the runtime what of a project is to run. */
export function createProjectSpecBuilder(options: ProjectSpecOptions) {
  return async function buildSpec(
    project: { readonly id: string; readonly slug: string },
    functions: readonly Omit<ActiveFunction, "percent" | "activatedAt">[],
  ): Promise<ProjectSpec> {
    const [apiKey, production, staging] = await Promise.all([
      options.projectApiKey(project.id),
      options.secrets.reveal(project.id, "production"),
      options.secrets.reveal(project.id, "staging"),
    ]);
    return {
      projectId: project.id,
      projectSlug: project.slug,
      apiUrl: options.platformUrl,
      functions: functions.map((active) =>
        functionSpec(
          active,
          rolloutOf(active, functions),
          options.bundles,
          active.environment === "staging" ? staging : production,
          apiKey,
        ),
      ),
    };
  };
}

export type ProjectSpecBuilder = ReturnType<typeof createProjectSpecBuilder>;
