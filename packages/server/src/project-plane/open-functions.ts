import { deriveKey } from "@aerostack/kernel";
import { createAllowedHosts, type createEgressConnector, hostAndPort, type Runtime } from "@aerostack/runtime";
import { renderError } from "../edge/error-shapes.ts";
import { answerError } from "../edge/gateway-listener.ts";
import { createFunctions, type Functions } from "../functions/create-functions.ts";
import { runAsSystem } from "../kernel/call-context.ts";
import { createCachedLookup } from "../kernel/change-feed/cached-lookup.ts";
import { createOutgoing } from "../kernel/outgoing.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import { createEndpointDelivery, ENDPOINT_TIMEOUT_MS } from "../queue/endpoints/deliver.ts";
import { createQueueEndpoints } from "../queue/endpoints/service.ts";
import type { createQueueService } from "../queue/service.ts";
import type { createCallCounts } from "./call-counts.ts";
import type { ProjectPlaneOptions } from "./project-plane-options.ts";

const STREAM_IDLE_MS = 5 * 60_000;
const MEBIBYTE = 1024 * 1024;
const CHANGED_TOPIC = "functions:changed";

export interface OpenFunctionsParts {
  readonly runtime: Runtime;
  /** 32 bytes that all servers of the installation share. */
  readonly dataKey: Uint8Array;
  readonly queues: ReturnType<typeof createQueueService>;
  readonly countCall: ReturnType<typeof createCallCounts>["countCall"];
  /** Decides where a connection to an address that a project names may go. */
  readonly outside: ReturnType<typeof createEgressConnector>;
  readonly addLogEntry: (entry: NewLogEntry) => void;
  /** Resolves when the data host answers. */
  readonly whenBindingsAnswer: () => Promise<unknown>;
}

/** Functions, and the addresses outside that take queues' messages in their place. */
export async function openFunctions(options: ProjectPlaneOptions, parts: OpenFunctionsParts) {
  const { config, clock, databases, bus, envelope, log, lifecycle, origin } = options;
  const { projects, projectKeys, resolver, changes } = options.controlPlane;
  const { runtime, queues, outside } = parts;

  const existing = createCachedLookup<true>({
    clock,
    changes,
    async find(id) {
      const project = await projects.find(id);
      return project === undefined ? null : { value: true, expiresAtMs: null, subjects: [`project:${id}`] };
    },
  });
  const outgoing = createOutgoing(outside, ENDPOINT_TIMEOUT_MS);
  lifecycle.onClose("connections to endpoints", () => outgoing.close());
  const privateHosts = createAllowedHosts(origin, config.egressAllow);
  const endpoints = createQueueEndpoints({
    sql: databases.control,
    clock,
    changes,
    envelope,
    deliver: createEndpointDelivery({ clock, fetch: outgoing.fetch }),
    random: Math.random,
    isPrivateAllowed(url) {
      const { host, port } = hostAndPort(url);
      return privateHosts.allows(host, port);
    },
    functionOf: async (projectId, queue) =>
      (await functions.delivery.findConsumer(projectId, queue))?.functionName ?? null,
    wake: (projectId, queue) => functions.delivery.queues.wake(projectId, queue),
  });
  const functions: Functions = await createFunctions({
    clock,
    dataDir: config.dataDir,
    sql: databases.control,
    sealer: envelope,
    audit: options.controlPlane.audit,
    dispatchKey: deriveKey(parts.dataKey, "dispatch-token"),
    bundleKey: deriveKey(parts.dataKey, "function-bundles"),
    runtime,
    queues,
    endpoints,
    async isPaused(projectId) {
      // One that was deleted may still be there, because a legal hold keeps it back.
      if ((await existing.find(projectId)) === null) return true;
      return (await options.controlPlane.blocks.check.ofProject(projectId)) !== null;
    },
    limits: {
      wallTimeMs: config.functionWallMs,
      streamIdleMs: STREAM_IDLE_MS,
      maxBodyBytes: config.functionBodyMb * MEBIBYTE,
    },
    platformUrl: origin,
    findProject: async (ref) => (await projects.find(ref)) ?? null,
    platformKeys: {
      async createKey(projectId) {
        const project = await projects.find(projectId);
        if (project === undefined) throw new Error(`the project ${projectId} is gone`);
        const { row, secret } = await runAsSystem(() =>
          projectKeys.create(project, { name: "Functions (managed)", kind: "secret" }),
        );
        return { id: row.id, secret };
      },
      async revokeKey(projectId, keyId) {
        const project = await projects.find(projectId);
        if (project !== undefined) await runAsSystem(() => projectKeys.revoke(project, keyId));
      },
    },
    resolveKey: resolver.resolve,
    inspectBody: options.frontDoor.inspectFunctionBody,
    countCall: (project, key, ip) => parts.countCall(project.id, key, ip),
    whenBindingsAnswer: parts.whenBindingsAnswer,
    log: parts.addLogEntry,
    answerError,
    renderError: (url, error, requestId) => renderError(url, error, requestId).body,
    announceChange: (projectId) => bus.publish(CHANGED_TOPIC, projectId),
    onError: (err, what) => log.error({ err }, `delivery failed: ${what}`),
  });
  bus.subscribe(CHANGED_TOPIC, (projectId) => functions.noticeChange(String(projectId)));
  lifecycle.onClose("queues and crons", () => functions.delivery.close());
  return { functions, endpoints };
}
