import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { AerostackError } from "@aerostack/contracts";
import {
  type ChangesEvent,
  type DataHost,
  d1BindingModulePath,
  splitStatements,
  startDataHost,
} from "@aerostack/datahost";
import { type Clock, deriveKey } from "@aerostack/kernel";
import { createAllowedHosts, createEgressConnector, createRuntime, hostAndPort } from "@aerostack/runtime";
import { createCachedValues } from "./cache/cached-values.ts";
import { createCacheOperations } from "./cache/operations.ts";
import { createCacheRoutes } from "./cache/routes.ts";
import { createCacheService } from "./cache/service.ts";
import { createCollections } from "./collections/create-collections.ts";
import type { createControlPlane } from "./control-plane.ts";
import { createMigrations } from "./database/migrations.ts";
import { createDatabaseOperations } from "./database/operations.ts";
import { createDatabaseRoutes } from "./database/routes.ts";
import { createDatabaseService } from "./database/service.ts";
import { createClientAddressReader, createProxyCheck } from "./edge/client-address.ts";
import { createDataPlane } from "./edge/data-plane.ts";
import { renderError } from "./edge/error-shapes.ts";
import { answerError, createGatewayListener, createPrincipalReader } from "./edge/gateway-listener.ts";
import { createEndUsers } from "./endusers/create-end-users.ts";
import { createAvatarStorage } from "./endusers/profile/avatar-storage.ts";
import { createFunctions, type Functions } from "./functions/create-functions.ts";
import { createCronRoutes } from "./functions/cron-routes.ts";
import { createServiceOperations } from "./functions/operations.ts";
import { createFunctionRoutes } from "./functions/routes.ts";
import { logEntryOfEvent, logEntryOfTail } from "./functions/runtime-log.ts";
import { createSecretRoutes } from "./functions/secret-routes.ts";
import { deployStarter } from "./functions/starter.ts";
import type { Bus } from "./kernel/bus/bus.ts";
import type { Config } from "./kernel/config.ts";
import type { Envelope } from "./kernel/crypto/envelope.ts";
import type { EventLog } from "./kernel/event-log/event-log.ts";
import { everyHour } from "./kernel/every-hour.ts";
import { openCountryLookup } from "./kernel/geo/open-country-lookup.ts";
import type { HostCall } from "./kernel/host-call.ts";
import { loadInstallationKey } from "./kernel/installation-key.ts";
import type { Lifecycle } from "./kernel/lifecycle.ts";
import { limitKeyOfAddress } from "./kernel/limiter/address-key.ts";
import { createRateWindow, type ShareCounts } from "./kernel/limiter/rate-window.ts";
import type { Logger } from "./kernel/log.ts";
import { createInstallationSender } from "./kernel/messages/installation-sender.ts";
import type { Databases } from "./kernel/open-databases.ts";
import { createOutgoing, OUTGOING_CONNECT_TIMEOUT_MS } from "./kernel/outgoing.ts";
import { refuseUpgrade } from "./kernel/refuse-upgrade.ts";
import { requireBucket } from "./kernel/require-bucket.ts";
import { createLogs } from "./logs/create-logs.ts";
import { createLogRoutes } from "./logs/routes.ts";
import type { FindProject } from "./projects/find-project.ts";
import type { ProjectRecord } from "./projects/service.ts";
import { createEndpointDelivery, ENDPOINT_TIMEOUT_MS } from "./queue/endpoints/deliver.ts";
import { createQueueEndpointRoutes } from "./queue/endpoints/routes.ts";
import { createQueueEndpoints } from "./queue/endpoints/service.ts";
import { createJobRoutes } from "./queue/job-routes.ts";
import { createJobs } from "./queue/jobs.ts";
import { createJobOperations } from "./queue/operations.ts";
import { createQueueRoutes } from "./queue/routes.ts";
import { createQueueService } from "./queue/service.ts";
import { createRealtime } from "./realtime/create-realtime.ts";
import { createRpcOperations } from "./rpc/operations.ts";
import { createStorage } from "./storage/create-storage.ts";

export interface ProjectPlaneOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly databases: Databases;
  readonly bus: Bus;
  readonly events: EventLog;
  readonly shareCounts: ShareCounts | undefined;
  readonly envelope: Envelope;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  /** Origin that functions call the platform at. */
  readonly origin: string;
  readonly controlPlane: ReturnType<typeof createControlPlane>;
}

const MINUTE_MS = 60_000;
const STREAM_IDLE_MS = 5 * MINUTE_MS;
const MEBIBYTE = 1024 * 1024;
/** A mail that a function sends is tried for this long. */
const MAIL_USEFUL_FOR_MS = 24 * 60 * MINUTE_MS;
const CHANGED_TOPIC = "functions:changed";
/** A limit of 0 means none; callers still see the headers. */
const UNLIMITED = 1_000_000_000;

/** What projects have and what runs them: the data host, the runtime, functions, databases, caches, queues, logs. */
export async function createProjectPlane(options: ProjectPlaneOptions) {
  const { config, clock, databases, bus, envelope, log, lifecycle, origin, controlPlane } = options;
  const { projects, projectKeys, resolver } = controlPlane;
  const countryOf = openCountryLookup({
    table: config.geoTable,
    onError: (err) => log.warn({ err }, "the table of countries cannot be read: regions of callers stay unknown"),
  });

  const logs = createLogs({
    sql: databases.logs,
    bus,
    onError: (err) => log.error({ err }, "log lines were not stored"),
  });
  lifecycle.onClose("logs", () => logs.buffer.close());

  if (config.s3Url !== undefined) await requireBucket(config.s3Url, clock);
  const dataKey = await loadInstallationKey(databases.control, envelope);
  let receiveChanges = (_changes: ChangesEvent): void => {};
  let wakeQueue = (_projectId: string, _queue: string): void => {};
  const host: DataHost = await startDataHost({
    dataDir: config.dataDir,
    masterKey: dataKey,
    logger: log,
    limits: { queryTimeoutMs: config.queryTimeoutMs },
    s3Url: config.s3Url,
    onEvent(name, value) {
      if (name === "db.changes") receiveChanges(value as ChangesEvent);
      if (name !== "queue.ready") return;
      const { projectId, queue } = value as { projectId: string; queue: string };
      wakeQueue(projectId, queue);
    },
  });
  lifecycle.onClose("data host", () => host.close());
  const call = host.call as HostCall;

  const runtime = await createRuntime({
    dataDir: config.dataDir,
    clock,
    logger: log,
    platformOrigin: origin,
    d1BindingModulePath,
    egressAllow: config.egressAllow,
    limits: {
      cpuLimitMs: config.functionCpuMs,
      memoryLimitBytes: config.functionMemoryMb * MEBIBYTE,
      idleMs: config.functionIdleMs,
      egressConcurrency: config.functionSubrequests,
    },
    registerGrant: async (token, projectId) => void (await call("grants.register", { token, projectId })),
    revokeGrant: async (token) => void (await call("grants.revoke", { token })),
    onTail: (entries) => {
      for (const entry of entries) logs.buffer.add(logEntryOfTail(entry));
    },
    onEvent: (event) => {
      const entry = logEntryOfEvent(event);
      if (entry !== null) logs.buffer.add(entry);
    },
  });
  lifecycle.onClose("runtime", () => runtime.close());

  const findProject: FindProject = (principal, ref) => projects.require(principal, ref);
  const queues = createQueueService(call);
  const window = createRateWindow({
    clock,
    windowMs: MINUTE_MS,
    ...(options.shareCounts === undefined ? {} : { share: options.shareCounts }),
    onError: (err) => log.warn({ err }, "call counts were not shared"),
  });
  const callLimit = config.callsPerMinute || UNLIMITED;
  const anonymousLimit = config.anonymousCallsPerMinute || UNLIMITED;
  const show = (url: string, error: AerostackError, requestId: string) => renderError(url, error, requestId).body;
  const outside = createEgressConnector(
    { platformOrigin: origin, egressAllow: config.egressAllow },
    OUTGOING_CONNECT_TIMEOUT_MS,
  );
  const toEndpoints = createOutgoing(outside, ENDPOINT_TIMEOUT_MS);
  lifecycle.onClose("connections to endpoints", () => toEndpoints.close());
  const privateHosts = createAllowedHosts(origin, config.egressAllow);
  const queueEndpoints = createQueueEndpoints({
    sql: databases.control,
    clock,
    changes: controlPlane.changes,
    envelope,
    deliver: createEndpointDelivery({ clock, fetch: toEndpoints.fetch }),
    random: Math.random,
    isPrivateAllowed(url) {
      const { host, port } = hostAndPort(url);
      return privateHosts.allows(host, port);
    },
    functionOf: async (projectId, queue) =>
      (await functions.delivery.findConsumer(projectId, queue))?.functionName ?? null,
    wake: (projectId, queue) => wakeQueue(projectId, queue),
  });
  const functions: Functions = await createFunctions({
    clock,
    dataDir: config.dataDir,
    sql: databases.control,
    sealer: envelope,
    dispatchKey: deriveKey(dataKey, "dispatch-token"),
    runtime,
    queues,
    endpoints: queueEndpoints,
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
        const { row, secret } = await projectKeys.create(project, { name: "Functions (managed)", kind: "secret" });
        return { id: row.id, secret };
      },
      async revokeKey(projectId, keyId) {
        const project = await projects.find(projectId);
        if (project !== undefined) await projectKeys.revoke(project, keyId);
      },
    },
    resolveKey: resolver.resolve,
    countCall: (project, key, ip) =>
      key === null
        ? window.hit(`${project.id} ${limitKeyOfAddress(ip)}`, anonymousLimit)
        : window.hit(project.id, callLimit),
    whenBindingsAnswer: () => call("host.ping", {}),
    log: logs.buffer.add,
    answerError,
    renderError: show,
    announceChange: (projectId) => bus.publish(CHANGED_TOPIC, projectId),
    onError: (err, what) => log.error({ err }, `delivery failed: ${what}`),
  });
  wakeQueue = (projectId, queue) => functions.delivery.queues.wake(projectId, queue);
  bus.subscribe(CHANGED_TOPIC, (projectId) => functions.noticeChange(String(projectId)));
  lifecycle.onClose("queues and crons", () => functions.delivery.close());

  projects.onDelete("data", async ({ id }) => void (await call("project.delete", { projectId: id })));
  projects.onDelete("durable objects", ({ id }) =>
    rm(join(config.dataDir, "host", "do", id), { recursive: true, force: true }),
  );
  projects.onDelete("logs", ({ id }) => logs.store.deleteProject(id));
  projects.onDelete("functions", ({ id }) => functions.deleteProject(id));

  const storage = createStorage({
    dataDir: config.dataDir,
    s3Url: config.s3Url,
    call,
    clock,
    sql: databases.control,
    changes: controlPlane.changes,
    envelope,
    functionsDomain: config.functionsDomain,
    dataKey,
    origin,
    findProject,
    findPublicProject: projects.find,
    findEndUser: (projectId, token) => endUsers.verifyToken(projectId, token),
    countKeyed: (projectId) => window.hit(projectId, callLimit),
    countAnonymous: (projectId, ip) => window.hit(`${projectId} ${limitKeyOfAddress(ip)}`, anonymousLimit),
    log: logs.buffer.add,
    logger: log,
    answerError,
  });
  lifecycle.onClose("storage", () => storage.close());
  projects.onDelete("storage grant", ({ id }) => storage.forgetProject(id));
  const dataServices = { databases: createDatabaseService(call), cache: createCacheService(call) };
  const endUsers = createEndUsers({
    sql: databases.control,
    clock,
    changes: controlPlane.changes,
    limiter: controlPlane.limiter,
    hasher: controlPlane.hasher,
    envelope,
    installationKey: dataKey,
    log,
    origin,
    findProject,
    findPublicProject: projects.find,
    mailSender: createInstallationSender(config),
    outgoing: createOutgoing(outside),
    avatarStorage: createAvatarStorage(storage.service),
    callFunction: functions.invoke,
    logToProject: (projectId, message) =>
      logs.buffer.add({ projectId, time: clock.now(), kind: "event", level: "warn", message }),
  });
  lifecycle.onClose("end users", () => endUsers.close());
  const endUserHousekeeping = everyHour("removing what expired of end users", endUsers.removeExpired, log);
  lifecycle.onClose("housekeeping of end users", () => endUserHousekeeping.stop());
  const collections = createCollections({
    databases: dataServices.databases,
    clock,
    bus,
    limiter: controlPlane.limiter,
    findProject,
    verifyUser: endUsers.verifyToken,
  });
  const realtime = createRealtime({
    sql: databases.control,
    clock,
    bus,
    log,
    resolveKey: resolver.resolveKey,
    findProject: projects.find,
    verifyToken: endUsers.verifyToken,
    mayListenToTable: (projectId, table) => collections.isListed(projectId, table),
    mayReadRow: collections.mayRead,
    events: options.events,
    changes: controlPlane.changes,
    findOwnProject: findProject,
    call,
  });
  receiveChanges = realtime.receiveChanges;
  projects.onDelete("realtime", ({ id }) => realtime.deleteProject(id));
  const realtimeHousekeeping = everyHour("removing what expired of realtime", realtime.removeExpired, log);
  lifecycle.onClose("housekeeping of realtime", () => realtimeHousekeeping.stop());
  const cachedValues = createCachedValues(call);
  const jobs = createJobs(call);
  const operations = [
    ...createDatabaseOperations(dataServices.databases),
    ...createCacheOperations(cachedValues),
    ...createJobOperations(jobs),
    ...createServiceOperations(functions.invoke),
    ...realtime.operations,
    ...createRpcOperations({
      databases: dataServices.databases,
      cache: cachedValues,
      jobs,
      emit: realtime.emit,
      findUser: (projectId, by) =>
        "id" in by ? endUsers.getUser(projectId, by.id) : endUsers.getUserByEmail(projectId, by.email),
      async sendEmail(projectId, { to, subject, body }) {
        const message = { channel: "mail", to, subject, text: body } as const;
        await endUsers.outbox.put({ ...message, projectId, kind: "function", usefulForMs: MAIL_USEFUL_FOR_MS });
        return { success: true };
      },
    }),
    ...collections.operations,
    ...storage.operations,
    ...endUsers.operations,
  ];
  const handleDataPlane = createDataPlane({
    operations,
    now: () => clock.now(),
    principalOf: createPrincipalReader(resolver.resolve, functions.resolveFunction),
    findProject,
    findPublicProject: async (ref) => (await projects.find(ref)) ?? null,
    countCall: (projectId, principal, ip) =>
      principal === null
        ? window.hit(`${projectId} ${limitKeyOfAddress(ip)}`, anonymousLimit)
        : window.hit(projectId, callLimit),
    log: logs.buffer.add,
    logger: log,
    answerError,
  });
  const listener = createGatewayListener({
    functionsDomain: config.functionsDomain,
    calls: functions.calls,
    handleUpgrade: functions.upgrades.handle,
    handleStorage: storage.handle,
    handleRealtime: (req, socket, head, requestId) =>
      realtime.handleUpgrade(req, socket, head, (error) =>
        refuseUpgrade(socket, error, show(req.url ?? "/", error, requestId), requestId),
      ),
    handleDataPlane,
    clientAddress: createClientAddressReader(config.trustProxy),
    isTrustedProxy: createProxyCheck(config.trustProxy),
    countryOf,
    resolvePrincipal: resolver.resolve,
    resolveFunction: functions.resolveFunction,
  });

  const functionUrl = (slug: string, name: string, environment: string): string =>
    `${origin}/f/${slug}/${name}${environment === "staging" ? "--staging" : ""}`;
  return {
    host,
    runtime,
    collections,
    listener,
    operations,
    async deployStarter(project: ProjectRecord): Promise<string> {
      const name = await deployStarter(functions.service, functions.bundles, project, project.ownerId);
      return functionUrl(project.slug, name, "production");
    },
    /** Ends what would never end by itself, when the server is told to stop: WebSockets and live tails. */
    async endStreams(): Promise<void> {
      functions.upgrades.closeAll();
      logs.tail.close();
      await realtime.close();
    },
    /** Begins to deliver what waits in queues and the outbox, and what crons have due. */
    async start(): Promise<void> {
      endUsers.start();
      await functions.delivery.start();
    },
    routes: [
      ...createFunctionRoutes({ functions: functions.service, bundles: functions.bundles, findProject, functionUrl }),
      ...createSecretRoutes({ functions: functions.service, findProject }),
      ...createCronRoutes({ crons: functions.crons, delivery: functions.delivery, findProject, clock }),
      ...createLogRoutes({ store: logs.store, tail: logs.tail, flush: logs.buffer.flush, findProject }),
      ...createDatabaseRoutes({
        databases: dataServices.databases,
        migrations: createMigrations({
          databases: dataServices.databases,
          clock,
          splitStatements: (text) => splitStatements(text).map(({ sql }) => sql),
        }),
        findProject,
      }),
      ...endUsers.routes,
      ...realtime.routes,
      ...collections.routes,
      ...createCacheRoutes({ cache: dataServices.cache, findProject }),
      ...storage.routes,
      ...createJobRoutes({ jobs, findProject }),
      ...createQueueEndpointRoutes({ endpoints: queueEndpoints, findProject }),
      ...createQueueRoutes({
        queues,
        endpoints: queueEndpoints,
        findProject,
        consumerOf: async (projectId, queue) =>
          (await functions.delivery.findConsumer(projectId, queue))?.functionName ?? null,
      }),
    ],
  };
}
