/**
 * Runs user code: one supervised workerd process per active project, its configuration, its limits, its way out to the
 * network and its static files. It knows nothing of accounts, routes or storage, and never runs user code itself.
 */
export type { AssetFile } from "./assets/asset-site.ts";
export { DEFAULT_RUNTIME_LIMITS, type RuntimeLimits } from "./limits.ts";
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
