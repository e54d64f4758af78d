/**
 * Runs user code: one supervised workerd process per active project, its configuration, its limits, its way out to the
 * network and its static files. It knows nothing of accounts, routes or storage, and never runs user code itself.
 */
export {
  type AssetFile,
  type AssetManifest,
  buildAssetManifest,
  MAX_ASSET_BYTES,
  MAX_ASSET_FILES,
} from "./assets/asset-manifest.ts";
export { type AssetAnswer, type AssetRequest, type AssetSite, createAssetSite } from "./assets/asset-site.ts";
export { sendAsset } from "./assets/send-asset.ts";
export { createRuntime } from "./create-runtime.ts";
export { type AllowedHosts, createAllowedHosts, hostAndPort } from "./egress/allowed-hosts.ts";
export { createEgressConnector, type EgressGuardOptions } from "./egress/egress-connector.ts";
export { EgressBlockedError } from "./egress/guarded-connect.ts";
export {
  type Exchange,
  ExchangeError,
  type FunctionRequest,
  type ResponseHandler,
} from "./http/function-connection.ts";
export { createFunctionPool, type FunctionPool } from "./http/function-pool.ts";
export { DEFAULT_RUNTIME_LIMITS, type RuntimeLimits } from "./limits.ts";
export { type OpenFile, readWhole } from "./stored-file.ts";
export type {
  EgressLookup,
  Flight,
  FunctionSpec,
  ModuleSpec,
  ProjectSpec,
  ProjectStats,
  QueueMessage,
  QueueOutcome,
  ResolvedAddress,
  Route,
  Runtime,
  RuntimeEvent,
  RuntimeLogger,
  RuntimeOptions,
  RuntimeStats,
  ScheduledOutcome,
  StopReason,
  TailEntry,
} from "./types.ts";
