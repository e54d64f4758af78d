import { rm } from "node:fs/promises";
import { join } from "node:path";
import { createEgressConnector } from "@aerostack/runtime";
import { createCacheService } from "./cache/service.ts";
import { createCollections } from "./collections/create-collections.ts";
import { createDatabaseService } from "./database/service.ts";
import { createDomains } from "./domains/create-domains.ts";
import { createDomainTrouble } from "./domains/tell-owner.ts";
import { createTxtResolver } from "./domains/txt-proof.ts";
import { createClientAddressReader, createProxyCheck } from "./edge/client-address.ts";
import { createDataPlane } from "./edge/data-plane.ts";
import { renderError } from "./edge/error-shapes.ts";
import { answerError, createGatewayListener, createPrincipalReader } from "./edge/gateway-listener.ts";
import { logEndUserCalls } from "./edge/log-end-user-calls.ts";
import { createRefusedCalls } from "./edge/refused-calls.ts";
import { createRequestArea } from "./edge/request-area.ts";
import { createEndUsers } from "./endusers/create-end-users.ts";
import { createAvatarStorage } from "./endusers/profile/avatar-storage.ts";
import { deployStarter } from "./functions/starter.ts";
import { createCachedLookup } from "./kernel/change-feed/cached-lookup.ts";
import { everyHour } from "./kernel/every-hour.ts";
import { openCountryLookup } from "./kernel/geo/open-country-lookup.ts";
import { createInstallationSender, createInstallationTextSender } from "./kernel/messages/installation-sender.ts";
import { createOutgoing, OUTGOING_CONNECT_TIMEOUT_MS } from "./kernel/outgoing.ts";
import { refuseUpgrade } from "./kernel/refuse-upgrade.ts";
import { createLogSource } from "./legal/sources/logged.ts";
import { createLogs } from "./logs/create-logs.ts";
import { createCallCounts } from "./project-plane/call-counts.ts";
import { createDataOperations } from "./project-plane/data-operations.ts";
import { createDisclosedContent } from "./project-plane/disclosed-content.ts";
import { openDataHost } from "./project-plane/open-data-host.ts";
import { openFunctions } from "./project-plane/open-functions.ts";
import { openRuntime } from "./project-plane/open-runtime.ts";
import type { ProjectPlaneOptions } from "./project-plane/project-plane-options.ts";
import { createProjectRoutes } from "./project-plane/project-routes.ts";
import type { FindProject } from "./projects/find-project.ts";
import type { ProjectRecord } from "./projects/service.ts";
import { createJobs } from "./queue/jobs.ts";
import { createQueueService } from "./queue/service.ts";
import { createRealtime } from "./realtime/create-realtime.ts";
import { createStorage } from "./storage/create-storage.ts";

/** What projects have and what runs them: the data host, the runtime, functions, databases, caches, queues, logs. */
export async function createProjectPlane(options: ProjectPlaneOptions) {
  const { config, clock, databases, bus, envelope, log, lifecycle, origin, controlPlane } = options;
  const dataKey = options.installationKey;
  const { projects, resolver, changes, limiter } = controlPlane;
  const findProject: FindProject = projects.require;
  const counts = createCallCounts(options);
  const clientAddress = createClientAddressReader(config.trustProxy);
  const outside = createEgressConnector(
    { platformOrigin: origin, egressAllow: config.egressAllow },
    OUTGOING_CONNECT_TIMEOUT_MS,
  );

  // What runs them
  const logs = createLogs({
    sql: databases.logs,
    bus,
    clock,
    onError: (err) => log.error({ err }, "log lines were not stored"),
  });
  lifecycle.onClose("counts of calls", () => logs.hours.close());
  lifecycle.onClose("logs", () => logs.buffer.close());
  const logHousekeeping = everyHour("removing old counts of calls", logs.hours.removeExpired, log);
  lifecycle.onClose("housekeeping of logs", () => logHousekeeping.stop());
  const { host, call, held, onChanges, onQueueReady } = await openDataHost(options, dataKey);
  const runtime = await openRuntime(options, call, logs.buffer.add);
  const queues = createQueueService(call);
  const { functions, endpoints } = await openFunctions(options, {
    runtime,
    dataKey,
    queues,
    countCall: counts.countCall,
    outside,
    addLogEntry: logs.buffer.add,
    whenBindingsAnswer: () => call("host.ping", {}),
  });
  onQueueReady(functions.delivery.queues.wake);
  projects.onDelete("data", async ({ id }) => void (await call("project.delete", { projectId: id })));
  projects.onDelete("durable objects", ({ id }) =>
    rm(join(config.dataDir, "host", "do", id), { recursive: true, force: true }),
  );
  projects.onDelete("logs", ({ id }) => logs.store.deleteProject(id));
  projects.onDelete("functions", ({ id }) => functions.deleteProject(id));

  // What they have
  const storage = createStorage({
    dataDir: config.dataDir,
    s3Url: config.s3Url,
    call,
    clock,
    sql: databases.control,
    changes,
    envelope,
    functionsDomain: config.functionsDomain,
    dataKey,
    origin,
    findPublicProject: projects.find,
    limitsOfAccountKey: controlPlane.limitsOfAccountKey,
    blocks: controlPlane.blocks.check,
    audit: controlPlane.audit,
    resizer: options.resizer,
    findEndUser: (projectId, token) => endUsers.verifyToken(projectId, token),
    countKeyed: counts.countKeyed,
    countAnonymous: counts.countAnonymous,
    log: logs.buffer.add,
    logger: log,
    answerError,
  });
  lifecycle.onClose("storage", () => storage.close());
  projects.onDelete("storage grant", ({ id }) => storage.forgetProject(id));
  const tellProject = (projectId: string, message: string) =>
    logs.buffer.add({ projectId, time: clock.now(), kind: "event", level: "warn", message });
  const refusedCalls = createRefusedCalls({
    findProject: projects.find,
    tellProject,
    onError: (err) => log.warn({ err }, "projects were not told of calls that were refused"),
  });
  refusedCalls.start();
  lifecycle.onClose("calls that were refused", () => refusedCalls.close());
  const endUsers = createEndUsers({
    sql: databases.control,
    clock,
    changes,
    audit: controlPlane.audit,
    limiter,
    hasher: controlPlane.hasher,
    envelope,
    blocks: controlPlane.blocks.check,
    holds: controlPlane.holds,
    installationKey: dataKey,
    log,
    origin,
    findPublicProject: projects.find,
    mailSender: createInstallationSender(config),
    textSender: createInstallationTextSender(config),
    outgoing: createOutgoing(outside),
    verifyChallenge: controlPlane.verifyChallenge,
    avatarStorage: createAvatarStorage(storage.service),
    callFunction: functions.invoke,
    logToProject: tellProject,
  });
  lifecycle.onClose("end users", () => endUsers.close());
  projects.onDelete("end users", ({ id }) => endUsers.removeProject(id));
  const endUserHousekeeping = everyHour("removing what expired of end users", endUsers.removeExpired, log);
  lifecycle.onClose("housekeeping of end users", () => endUserHousekeeping.stop());
  const dataServices = { databases: createDatabaseService(call), cache: createCacheService(call) };
  const collections = createCollections({
    databases: dataServices.databases,
    clock,
    bus,
    limiter,
    audit: controlPlane.audit,
    verifyUser: endUsers.verifyToken,
  });
  const realtime = createRealtime({
    sql: databases.control,
    clock,
    bus,
    log,
    resolveKey: resolver.resolveKey,
    clientAddressOf: (req) =>
      clientAddress({
        remoteAddress: req.socket.remoteAddress,
        forwardedFor: [req.headers["x-forwarded-for"]].flat()[0],
      }),
    findProject: projects.find,
    verifyToken: endUsers.verifyToken,
    mayListenToTable: (projectId, table) => collections.isListed(projectId, table),
    mayReadRow: collections.mayRead,
    events: options.events,
    changes,
    audit: controlPlane.audit,
    slots: options.slots,
    shareCounts: options.shareCounts,
    planOf: controlPlane.plans.of,
    call,
  });
  onChanges(realtime.receiveChanges);
  projects.onDelete("realtime", ({ id }) => realtime.deleteProject(id));
  const realtimeHousekeeping = everyHour("removing what expired of realtime", realtime.removeExpired, log);
  lifecycle.onClose("housekeeping of realtime", () => realtimeHousekeeping.stop());
  const jobs = createJobs(call);

  const domains = createDomains({
    sql: databases.control,
    clock,
    changes,
    limiter,
    audit: controlPlane.audit,
    log,
    resolveTxt: createTxtResolver(config.dnsServers),
    certificates: options.certificates,
    origin,
    functionsDomain: config.functionsDomain,
    onTrouble: createDomainTrouble({ notices: controlPlane.notices, findProject: projects.find }),
  });
  projects.onDelete("domains", ({ id }) => domains.service.removeOfProject(id));
  const domainChecks = everyHour("looking for the proofs of domains", domains.service.recheck, log);
  lifecycle.onClose("domains", () => domainChecks.stop());

  // How they are called
  const services = { ...dataServices, call, held, jobs, functions, collections, storage, realtime, endUsers };
  const operations = createDataOperations(services);
  const principalOf = createPrincipalReader(resolver.resolve, functions.resolveFunction);
  const handleDataPlane = createDataPlane({
    operations,
    now: () => clock.now(),
    principalOf,
    findProject,
    findPublicProject: async (ref) => (await projects.find(ref)) ?? null,
    countCall: counts.countCall,
    inspectBody: options.frontDoor.inspectBody,
    log: logs.buffer.add,
    logger: log,
    answerError,
  });
  const countryOf = openCountryLookup({
    table: config.geoTable,
    onError: (err) => log.warn({ err }, "the table of countries cannot be read: regions of callers stay unknown"),
  });
  const projectIds = createCachedLookup<string>({
    clock,
    changes,
    async find(ref) {
      const project = await projects.find(ref);
      if (project === undefined) return null;
      return { value: project.id, expiresAtMs: null, subjects: [`project:${project.id}`] };
    },
  });
  const listener = createGatewayListener({
    functionsDomain: config.functionsDomain,
    domains: domains.router,
    calls: functions.calls,
    handleUpgrade: functions.upgrades.handle,
    handleStorage: storage.handle,
    handleRealtime: (req, socket, head, requestId) =>
      realtime.handleUpgrade(req, socket, head, (error) =>
        refuseUpgrade(socket, error, renderError(req.url ?? "/", error, requestId).body, requestId),
      ),
    handleDataPlane,
    clientAddress,
    isTrustedProxy: createProxyCheck(config.trustProxy),
    countryHeader: config.countryHeader,
    countryOf,
    resolvePrincipal: resolver.resolve,
    resolveFunction: functions.resolveFunction,
  });
  const areaOf = createRequestArea({
    ...listener,
    functionsDomain: config.functionsDomain,
    principalOf,
    resolveKey: resolver.resolve,
    projectIdOf: projectIds.find,
  });

  const functionUrl = (slug: string, name: string, environment: string): string =>
    `${origin}/f/${slug}/${name}${environment === "staging" ? "--staging" : ""}`;
  return {
    host,
    runtime,
    collections,
    callHours: logs.hours,
    /** Of disclosures: what projects hold, and what was logged of them. */
    disclosed: {
      ...createDisclosedContent({ call, ...dataServices, storage: storage.service }),
      logs: createLogSource(logs.store, logs.buffer.flush),
    },
    removeKeptUser: endUsers.removeKept,
    countryOf,
    outbox: endUsers.outbox,
    listener,
    areaOf,
    principalOf,
    countAddress: counts.countAddress,
    projectIdOf: projectIds.find,
    refusedCalls,
    addEndUserCallLog: logEndUserCalls({
      now: () => clock.now(),
      findProject: projects.find,
      log: logs.buffer.add,
    }),
    operations,
    domains,
    routes: [
      ...createProjectRoutes({ ...services, clock, findProject, logs, queues, endpoints, functionUrl }),
      ...domains.routes,
    ],
    async deployStarter(project: ProjectRecord): Promise<string> {
      const name = await deployStarter(functions.service, functions.bundles, project, project.ownerId);
      return functionUrl(project.slug, name, "production");
    },
    /** Messages that waited while their project was blocked are delivered again. */
    wakeQueues: () => functions.delivery.wakeAll(),
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
  };
}
