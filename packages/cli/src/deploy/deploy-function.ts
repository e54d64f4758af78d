import type { FunctionEnvironment } from "@aerostack/contracts";
import { type DeployResponse, deployResponseSchema } from "@aerostack/contracts";
import { type ApiClient, DEPLOY_TIMEOUT_MS } from "../api/api-client.ts";
import type { Bundle } from "../bundler/bundle-function.ts";
import type { Asset } from "../bundler/collect-assets.ts";
import type { FunctionSource } from "../config/project-config.ts";

export interface Deployment {
  readonly source: FunctionSource;
  readonly bundle: Bundle;
  readonly assets: readonly Asset[];
  readonly environment: FunctionEnvironment;
  readonly projectId: string;
  /** Overrides what the configuration says. */
  readonly public: boolean | undefined;
  readonly message: string | undefined;
  /** Further variables, such as those of .dev.vars. */
  readonly vars?: Readonly<Record<string, string>>;
}

/** A line slower than this (100 KB/s) is taken for one that is stuck. */
const SLOWEST_BYTES_PER_MS = 100;

/** Sends a bundle; the server starts it before it answers, so an answer means that it serves. */
export async function deployFunction(api: ApiClient, deployment: Deployment): Promise<DeployResponse> {
  const form = await createDeployForm(deployment);
  const bytes = deployment.bundle.code.byteLength + deployment.assets.reduce((sum, asset) => sum + asset.bytes, 0);
  const timeoutMs = DEPLOY_TIMEOUT_MS + Math.ceil(bytes / SLOWEST_BYTES_PER_MS);
  return api.call("POST", "/api/v1/cli/deploy", deployResponseSchema, { body: form, timeoutMs });
}

async function createDeployForm(deployment: Deployment): Promise<FormData> {
  const { source, bundle, environment } = deployment;
  const form = new FormData();
  form.set("env", environment);
  form.set("project_id", deployment.projectId);
  form.set("name", source.name);
  const isPublic = deployment.public ?? source.public;
  if (isPublic !== undefined) form.set("isPublic", String(isPublic));
  form.set("compatibility_date", source.compatibilityDate);
  form.set("compatibility_flags", JSON.stringify(source.compatibilityFlags));
  const { assets: assetsConfig, ...config } = source.config;
  form.set(
    "config",
    JSON.stringify({
      ...config,
      vars: { ...config.vars, ...deployment.vars },
      ...(assetsConfig === undefined ? {} : { assets: assetsConfig }),
      ...(deployment.message === undefined ? {} : { message: deployment.message }),
    }),
  );
  form.set("worker", new Blob([bundle.code], { type: "application/javascript+module" }), "worker.js");
  for (const { name, content } of bundle.extraModules) form.set(name, new Blob([content]), name);
  for (const asset of deployment.assets) form.set(`assets/${asset.path}`, await asset.open(), asset.path);
  return form;
}
