import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Runtime } from "@aerostack/runtime";
import type { Audit } from "../audit/record.ts";
import type { InspectFunctionBody } from "../front-door/firewall/function-bodies.ts";
import type { RateVerdict } from "../kernel/limiter/rate-window.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Principal } from "../keys/principal.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import type { QueueEndpoints } from "../queue/endpoints/service.ts";
import { createAssetSites } from "./asset-sites.ts";
import { createBundleStore } from "./bundle-store.ts";
import { createCallHandler } from "./call-handler.ts";
import type { ResolveKey } from "./caller-key.ts";
import { createCronStore } from "./cron-store.ts";
import { createDispatchPrincipals } from "./dispatch-principal.ts";
import { createDispatchTokens } from "./dispatch-token.ts";
import { createEventDelivery, type QueueStorage } from "./event-delivery.ts";
import { createInvoker } from "./invoke-function.ts";
import { createPlatformKeys, type PlatformKeysOptions } from "./platform-key.ts";
import { createProjectActivation } from "./project-activation.ts";
import { createProjectSpecBuilder } from "./project-spec.ts";
import type { ProxyLimits } from "./proxy-request.ts";
import { createRouteTable, type RoutedProject } from "./route-table.ts";
import { createSecretStore, type SecretSealer } from "./secret-store.ts";
import { createFunctionService } from "./service.ts";
import { createFunctionStore } from "./store.ts";
import type { FunctionTables } from "./tables.ts";
import { createUpgradeHandler } from "./upgrade-handler.ts";

export interface FunctionsOptions {
  readonly clock: Clock;
  /** 32 bytes: what was deployed is sealed under keys that are derived from it. */
  readonly bundleKey: Uint8Array;
  readonly dataDir: string;
  readonly sql: Sql<unknown>;
  readonly sealer: SecretSealer;
  /** 32 bytes for signing dispatch tokens, the same on every node. */
  readonly dispatchKey: Uint8Array;
  readonly runtime: Runtime;
  readonly queues: QueueStorage;
  readonly audit: Audit;
  /** Addresses outside that take a queue's messages instead of a function. */
  readonly endpoints: Pick<QueueEndpoints, "findConsumer" | "deliver">;
  /** True: nothing of the project runs, and its messages wait. */
  readonly isPaused: (projectId: string) => Promise<boolean>;
  readonly limits: ProxyLimits;
  /** Origin that functions call the platform at. */
  readonly platformUrl: string;
  readonly findProject: (ref: string) => Promise<Omit<RoutedProject, "functions"> | null>;
  readonly platformKeys: Pick<PlatformKeysOptions, "createKey" | "revokeKey">;
  readonly resolveKey: ResolveKey;
  readonly inspectBody: InspectFunctionBody;
  readonly countCall: (project: RoutedProject, key: Principal | null, ip: string) => RateVerdict;
  readonly log: (entry: NewLogEntry) => void;
  /** Resolves when the data host answers. */
  readonly whenBindingsAnswer: () => Promise<unknown>;
  readonly answerError: (req: IncomingMessage, res: ServerResponse, error: AerostackError, requestId: string) => void;
  readonly renderError: (url: string, error: AerostackError, requestId: string) => string;
  /** Tells the other nodes that what serves in a project has changed. */
  readonly announceChange: (projectId: string) => void;
  readonly onError: (error: unknown, what: string) => void;
}

/** Puts the parts of this capability together. */
export async function createFunctions(options: FunctionsOptions) {
  const { clock, runtime } = options;
  const sql = options.sql.withTables<FunctionTables>();
  const store = createFunctionStore(sql);
  const secrets = createSecretStore(sql, options.sealer, options.audit);
  const bundles = await createBundleStore({
    directory: join(options.dataDir, "bundles"),
    key: options.bundleKey,
    clock,
    isUsed: store.isFileUsed,
  });
  const platformKeys = createPlatformKeys({ sql, sealer: options.sealer, ...options.platformKeys });
  const buildSpec = createProjectSpecBuilder({
    bundles,
    secrets,
    projectApiKey: platformKeys.keyOf,
    platformUrl: options.platformUrl,
  });
  const activation = createProjectActivation({ store, secrets, runtime, buildSpec });
  const siteOf = createAssetSites(bundles);
  const routes = createRouteTable({ clock, findProject: options.findProject, activation, siteOf });
  const crons = createCronStore(sql);
  const delivery = createEventDelivery({
    clock,
    routes,
    runtime,
    crons,
    queues: options.queues,
    endpoints: options.endpoints,
    isPaused: options.isPaused,
    random: Math.random,
    log: options.log,
    onError: options.onError,
  });

  /** What serves in a project has changed, here or on another node. */
  function noticeChange(projectId: string): void {
    routes.invalidate(projectId);
    delivery.refresh(projectId);
  }

  const service = createFunctionService({
    clock,
    store,
    secrets,
    audit: options.audit,
    bundles,
    buildSpec,
    runtime,
    activation,
    endpointOf: async (projectId, queue) => (await options.endpoints.findConsumer(projectId, queue))?.url ?? null,
    announceChange(projectId) {
      noticeChange(projectId);
      options.announceChange(projectId);
    },
  });
  const tokens = createDispatchTokens(options.dispatchKey, clock);
  const resolveFunction = createDispatchPrincipals({ tokens, routes });
  const calls = createCallHandler({
    clock,
    random: Math.random,
    routes,
    runtime,
    resolveKey: options.resolveKey,
    resolveFunction,
    limits: options.limits,
    inspectBody: options.inspectBody,
    countCall: options.countCall,
    dispatchToken: tokens.issue,
    platformUrl: options.platformUrl,
    log: options.log,
    whenBindingsAnswer: options.whenBindingsAnswer,
    answerError: options.answerError,
  });
  const invoke = createInvoker({
    routes,
    runtime,
    random: Math.random,
    dispatchToken: tokens.issue,
    platformUrl: options.platformUrl,
  });
  const upgrades = createUpgradeHandler({
    calls,
    log: options.log,
    renderError: options.renderError,
    now: () => clock.now(),
  });

  return {
    service,
    bundles,
    calls,
    invoke,
    upgrades,
    delivery,
    crons,
    resolveFunction,
    noticeChange,
    async deleteProject(projectId: string): Promise<void> {
      await service.deleteProject(projectId);
      await platformKeys.forget(projectId);
    },
  };
}

export type Functions = Awaited<ReturnType<typeof createFunctions>>;
