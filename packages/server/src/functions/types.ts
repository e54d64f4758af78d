import type { DeployConfig, FunctionEnvironment } from "@aerostack/contracts";
import type { BundleAsset, BundleModule } from "./deploy-form.ts";

/** A named function of a project. */
export interface FunctionRecord {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  /** False: a call needs a key of the project. */
  readonly isPublic: boolean;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What one deployment brought: never changed after it is stored. */
export interface FunctionVersion {
  readonly id: string;
  readonly functionId: string;
  /** 1, 2, 3 … within the function. */
  readonly number: number;
  readonly modules: readonly BundleModule[];
  readonly assets: readonly BundleAsset[];
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly config: DeployConfig;
  readonly sizeBytes: number;
  readonly createdAt: number;
  /** Id of the account that deployed it. */
  readonly createdBy: string;
}

/** A share of the calls of one environment of a function. The shares of an environment add up to 100. */
export interface Activation {
  readonly functionId: string;
  readonly environment: FunctionEnvironment;
  readonly versionNumber: number;
  /** 1 to 100. */
  readonly percent: number;
  readonly activatedAt: number;
}

export type ActivationReason = "deploy" | "rollback" | "rollout";

/** An active version of a function, with all that a process needs to run it. */
export interface ActiveFunction {
  readonly record: FunctionRecord;
  readonly version: FunctionVersion;
  readonly environment: FunctionEnvironment;
  readonly percent: number;
  readonly activatedAt: number;
}

/** The name of one version of one function in one environment among all that a project's process runs. */
export function functionKey(name: string, environment: FunctionEnvironment, versionNumber: number): string {
  return `${name}@${environment}@${versionNumber}`;
}
