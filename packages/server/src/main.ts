import { join } from "node:path";
import { createProjectBlobs } from "@aerostack/datahost";
import { compactHeapAfterStart, deriveKey, systemClock } from "@aerostack/kernel";
import { createEgressConnector } from "@aerostack/runtime";
import { createAbuse } from "./abuse/create-abuse.ts";
import { logInProvidersOf } from "./accounts/ways-in/providers/provider-settings.ts";
import { renderBanner } from "./banner.ts";
import { createControlPlane } from "./control-plane.ts";
import { createTxtResolver } from "./domains/txt-proof.ts";
import { createAddressGate } from "./edge/address-gate.ts";
import { createBlockGate } from "./edge/block-gate.ts";
import { createProxyCheck } from "./edge/client-address.ts";
import { createApp } from "./edge/create-app.ts";
import { routeOfOperation } from "./edge/define-operation.ts";
import { createEndBlocked } from "./edge/end-blocked.ts";
import { createFirewallGuard } from "./edge/firewall-guard.ts";
import { guardListener } from "./edge/guarded-listener.ts";
import { createHealth } from "./edge/health.ts";
import { findFreePort, listen } from "./edge/http-server.ts";
import { createIdempotency } from "./edge/idempotency.ts";
import { metricsRoutes, openMetricsPort } from "./edge/metrics-routes.ts";
import { createRequestObserver } from "./edge/observe-requests.ts";
import { createOpenApi } from "./edge/openapi.ts";
import { listenPlain } from "./edge/plain-http.ts";
import { createProjectCors } from "./edge/project-cors.ts";
import { addReferencePages } from "./edge/reference-page.ts";
import { createRefusalNotes } from "./edge/refusal-notes.ts";
import { addSecurityText } from "./edge/security-text.ts";
import { createFrontDoor } from "./front-door/create-front-door.ts";
import { createTls } from "./front-door/tls/create-tls.ts";
import { createEngine } from "./front-door/waf/engine.ts";
import { type Config, ConfigError, endsTls, isLoopbackHost, loadConfig } from "./kernel/config.ts";
import { createEnvelope, type Envelope } from "./kernel/crypto/envelope.ts";
import { resealAll } from "./kernel/crypto/sealed-columns.ts";
import { everyHour } from "./kernel/every-hour.ts";
import { loadInstallationKey } from "./kernel/installation-key.ts";
import { createLifecycle, type Lifecycle } from "./kernel/lifecycle.ts";
import { createLogger, type Logger } from "./kernel/log.ts";
import { logWarnings } from "./kernel/log-warnings.ts";
import { createInstallationSender } from "./kernel/messages/installation-sender.ts";
import { createMetrics } from "./kernel/metrics.ts";
import { type Databases, openDatabases } from "./kernel/open-databases.ts";
import { openSharedState } from "./kernel/open-shared-state.ts";
import { createOutgoing, OUTGOING_CONNECT_TIMEOUT_MS } from "./kernel/outgoing.ts";
import { loadSecrets } from "./kernel/secrets.ts";
import { StartError } from "./kernel/start-error.ts";
import { createTracer } from "./kernel/trace.ts";
import { SERVER_VERSION } from "./kernel/version.ts";
import { createDisclosures } from "./legal/disclosures.ts";
import { createDisclosureRoutes } from "./legal/routes.ts";
import { createAuditSource } from "./legal/sources/logged.ts";
import { createStoredRowSources } from "./legal/sources/stored-rows.ts";
import { migrations } from "./migrations.ts";
import { createProjectPlane } from "./project-plane.ts";
import { sealedColumns } from "./sealed-columns.ts";
import { drawAvatar } from "./storage/images/draw-avatar.ts";
import { createImageResizer } from "./storage/images/image-resizer.ts";
import { createSupport } from "./support/create-support.ts";

/** Requests that run when the server is told to stop have this long to end. */
const DRAIN_TIMEOUT_MS = 30_000;
const DAY_MS = 24 * 60 * 60_000;

/** Opens everything in order and listens; the lifecycle closes it in the opposite order. */
async function start(settings: Config, log: Logger, lifecycle: Lifecycle) {
  const clock = systemClock;
  // Functions are told where the platform is before it listens, so "any free port" is settled first.
  const config = { ...settings, port: settings.port === 0 ? await findFreePort(settings.host) : settings.port };
  const secrets = loadSecrets(config.dataDir, clock);
  const envelope = createEnvelope(secrets.masterKeys);

  const metrics = createMetrics();
  const tracer = await createTracer({ endpoint: config.otlpEndpoint, serviceVersion: SERVER_VERSION });
  lifecycle.onClose("tracer", () => tracer.close());

  // Stores
  const databases = await openDatabases(config, secrets, migrations, { log, lifecycle });
  const shared = await openSharedState(config, { clock, log, lifecycle });
  const { bus, limiter } = shared;
  const installationKey = await loadInstallationKey(databases.control, envelope);

  // Services
  const origin = config.publicUrl ?? originOf(config);
  const outgoing = createOutgoing();
  lifecycle.onClose("outgoing requests", () => outgoing.close());
  const outside = createOutgoing(
    createEgressConnector(
      { platformOrigin: config.publicUrl ?? originOf(config), egressAllow: config.egressAllow },
      OUTGOING_CONNECT_TIMEOUT_MS,
    ),
  );
  lifecycle.onClose("requests to providers of organisations", () => outside.close());
  const resizer = createImageResizer();
  lifecycle.onClose("pictures", () => resizer.close());
  const controlPlane = createControlPlane({
    sql: databases.control,
    clock,
    bus,
    limiter,
    log,
    lifecycle,
    secrets,
    installationKey,
    signUp: config.signUp,
    contact: config.supportMail,
    sessionLifetimes: { idleMs: config.sessionIdleDays * DAY_MS, absoluteMs: config.sessionDays * DAY_MS },
    removeKeptUser: (projectId, userId, rows) => projectPlane.removeKeptUser(projectId, userId, rows),
    requireConfirmedEmail: config.requireConfirmedEmail === "on",
    logInProviders: logInProvidersOf(config),
    defaultPlan: config.defaultPlan,
    origin: () => origin,
    outbox: () => projectPlane.outbox,
    canSendMail: createInstallationSender(config) !== null,
    issuer: origin,
    secretScanningKeys: config.secretScanningKeys,
    fetch: outgoing.fetch,
    outsideFetch: outside.fetch,
    resolveTxt: createTxtResolver(config.dnsServers),
    challenge:
      config.challengeSiteKey === undefined || config.challengeSecret === undefined
        ? undefined
        : { siteKey: config.challengeSiteKey, secret: config.challengeSecret, scriptUrl: config.challengeScriptUrl },
    challengeVerifyUrl: config.challengeVerifyUrl,
    pictures: {
      blobs: createProjectBlobs({
        // Beside those of projects, whose own housekeeping counts what is used by them.
        hostDir: join(config.dataDir, "installation"),
        keyFor: (name) => deriveKey(installationKey, name),
        clock,
        s3Url: config.s3Url,
      })("installation"),
      draw: drawAvatar(resizer),
    },
    projectUrl: (project) => `${origin}/f/${project.slug}`,
    deployStarter: (project) => projectPlane.deployStarter(project),
    describeCollections: (projectId) => projectPlane.collections.describe(projectId),
  });
  const engine = createEngine({ paranoia: 1 });
  const frontDoor = createFrontDoor({
    sql: databases.control,
    clock,
    changes: controlPlane.changes,
    audit: controlPlane.audit,
    metrics,
    log,
    lifecycle,
    engine,
    managementMode: config.firewallManagement,
    projectsMode: config.firewallProjects,
  });
  controlPlane.projects.onDelete("front door", ({ id }) => frontDoor.deleteProject(id));
  const tls = await createTls({ config, sql: databases.control, clock, changes: controlPlane.changes, envelope, log });
  const projectPlane = await createProjectPlane({
    config,
    clock,
    databases,
    bus,
    events: shared.events,
    slots: shared.slots,
    shareCounts: shared.shareCounts,
    envelope,
    installationKey,
    log,
    lifecycle,
    origin,
    certificates: config.acmeDirectory === undefined ? null : tls.certificates,
    frontDoor,
    resizer,
    controlPlane,
  });

  const support = createSupport({
    sql: databases.control,
    clock,
    limiter,
    log,
    lifecycle,
    audit: controlPlane.audit,
    notices: controlPlane.notices,
    outbox: () => projectPlane.outbox,
    origin: () => origin,
    linkKey: deriveKey(await loadInstallationKey(databases.control, envelope), "support-links"),
    mailbox: config.supportMail,
    inboundSecret: config.supportInboundSecret,
    accounts: controlPlane.accounts,
  });

  const abuse = createAbuse({
    sql: databases.control,
    clock,
    audit: controlPlane.audit,
    blocks: controlPlane.blocks,
    callHours: projectPlane.callHours,
    refusedUses: controlPlane.refusedUses,
  });

  const disclosures = createDisclosures({
    sql: databases.control,
    clock,
    audit: controlPlane.audit,
    log,
    sources: {
      ...createStoredRowSources(databases.control, controlPlane.holds),
      audit: createAuditSource(controlPlane.audit),
      ...projectPlane.disclosed,
    },
  });

  // Edge
  const health = createHealth(SERVER_VERSION);
  health.addCheck("database", async () => {
    await databases.control.transaction(async () => undefined);
  });
  health.addCheck("data host", async () => {
    await projectPlane.host.call("host.ping", {});
  });
  health.addCheck("shared state", shared.check);
  const routes = [
    ...controlPlane.routes,
    ...frontDoor.routes,
    ...projectPlane.routes,
    ...support.routes,
    ...abuse.routes,
    ...createDisclosureRoutes(disclosures),
    ...metricsRoutes(metrics),
  ];
  const documented = [...routes, ...projectPlane.operations.map(routeOfOperation)];
  const sendsHsts =
    endsTls(config) || (config.publicUrl?.startsWith("https:") === true && config.hstsBehindProxy === "on");
  const app = createApp({
    log,
    limiter,
    limits: config,
    onRefused: projectPlane.refusedCalls.note,
    trustProxy: config.trustProxy,
    countryOf: projectPlane.countryOf,
    audit: controlPlane.audit,
    hsts: sendsHsts,
    resolvePrincipal: controlPlane.resolver.resolve,
    places: controlPlane.places,
    requireFreshProof: controlPlane.requireFreshProof,
    noteRefusal: createRefusalNotes({
      audit: controlPlane.audit,
      limiter,
      background: controlPlane.background,
      findProject: controlPlane.projects.find,
      findOrganisation: controlPlane.findOrganisation,
    }),
    inspectBody: frontDoor.inspectBody,
    projectIdOf: projectPlane.projectIdOf,
    idempotency: createIdempotency({ sql: databases.control, clock, envelope }),
    routes,
    pages: [
      health.addRoutes,
      addSecurityText({
        contact: config.securityContact,
        origin,
        validDays: config.securityTextDays,
        now: () => clock.now(),
      }),
      controlPlane.addPages,
      support.addPages,
      projectPlane.addEndUserCallLog,
      addReferencePages(() => createOpenApi(documented, { version: SERVER_VERSION, origin })),
    ],
  });
  const isTrustedProxy = createProxyCheck(config.trustProxy);
  const { listener } = projectPlane;
  const guard = createFirewallGuard({
    engine,
    judge: frontDoor.judge,
    management: config.firewallManagement,
    projects: config.firewallProjects,
    someProjectInspects: frontDoor.someProjectInspects,
    areaOf: projectPlane.areaOf,
    callerOf: listener.callerOf,
  });
  const blockGate = createBlockGate({
    blocks: controlPlane.blocks.check,
    areaOf: projectPlane.areaOf,
    callerOf: listener.callerOf,
  });
  const endBlocked = createEndBlocked({
    revision: controlPlane.blocks.revision,
    gate: blockGate,
    callerOf: listener.callerOf,
    principalOf: projectPlane.principalOf,
    onError: (err) => log.warn({ err }, "it was not looked whether anybody connected is blocked"),
  });
  lifecycle.onClose("connections of who is blocked", () => endBlocked.close());
  const http = await listen({
    app,
    host: config.host,
    port: config.port,
    ...guardListener(
      {
        blocks: blockGate,
        letIn: endBlocked.letIn,
        gate: createAddressGate({
          settings: frontDoor.settings,
          areaOf: projectPlane.areaOf,
          callerOf: listener.callerOf,
          countAddress: projectPlane.countAddress,
          now: clock.now,
        }),
        cors: createProjectCors({ settings: frontDoor.settings, areaOf: projectPlane.areaOf }),
        firewall: guard,
      },
      listener,
    ),
    sendsHsts,
    observe: createRequestObserver({ metrics, tracer }),
    connections: {
      perAddress: config.connectionsPerAddress,
      isExempt: (address) => isLoopbackHost(address) || isTrustedProxy(address),
    },
    ...(tls.server === undefined ? {} : { tls: tls.server }),
  });
  if (config.httpPort !== undefined) {
    const plain = await listenPlain({
      host: config.host,
      port: config.httpPort,
      httpsPort: Number(new URL(origin).port || 443),
      answerChallenge: tls.certificates.answerChallenge,
    });
    lifecycle.onClose("plain HTTP", () => plain.close());
  }
  controlPlane.changes.onChange((subjects) => {
    if (subjects?.some((subject) => subject.startsWith("block:")) === true) projectPlane.wakeQueues();
  });
  // A block may have ended by its time, which nobody announces.
  const wakening = everyHour("waking queues", async () => projectPlane.wakeQueues(), log);
  lifecycle.onClose("waking queues", () => wakening.stop());
  tls.start();
  lifecycle.onClose("certificates", () => tls.stop());
  await openMetricsPort(config, metrics, lifecycle);
  lifecycle.onClose("http", () => http.close(DRAIN_TIMEOUT_MS));
  lifecycle.onClose("streams", () => projectPlane.endStreams());
  lifecycle.onClose("readiness", () => health.startDraining());
  await projectPlane.start();
  controlPlane.projects.resumeDeletions().catch((err: unknown) => log.error({ err }, "deletions were not resumed"));
  if (secrets.masterKeys.length > 1) followMasterKey(databases.control, envelope, log, lifecycle);
  return { origin, setupToken: await controlPlane.accounts.issueSetupToken() };
}

/** After the master key was turned over: brings what the older ones seal to the newest, beside everything else. */
function followMasterKey(sql: Databases["control"], envelope: Envelope, log: Logger, lifecycle: Lifecycle): void {
  const stop = new AbortController();
  const running = resealAll({ sql, envelope, columns: sealedColumns, signal: stop.signal }).then(
    (done) => log.info({ ...done }, "everything that can be read is sealed under the newest master key"),
    (err: unknown) => {
      if (!stop.signal.aborted)
        log.error({ err }, "sealing under the newest master key stopped; the next start goes on");
    },
  );
  lifecycle.onClose("sealing", async () => {
    stop.abort();
    await running;
  });
}

function originOf({ host, port, ...config }: Pick<Config, "host" | "port" | "tlsCert" | "acmeDirectory">): string {
  // The address of all interfaces is one to listen on, not one to call.
  const reachable = ["0.0.0.0", "::"].includes(host) ? "localhost" : host;
  const shownHost = reachable.includes(":") ? `[${reachable}]` : reachable;
  return `${endsTls(config) ? "https" : "http"}://${shownHost}:${port}`;
}

function readConfig(): Config {
  try {
    return loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(
      `The server does not start because of its settings:\n${error.problems.map((line) => `  ${line}\n`).join("")}`,
    );
    process.exit(1);
  }
}

const config = readConfig();
const log = createLogger({ level: config.logLevel });
const lifecycle = createLifecycle(log);
logWarnings(process, log);

async function stop(reason: string): Promise<void> {
  log.info(`stopping: ${reason}`);
  await lifecycle.close();
  process.exit(0);
}
process.once("SIGTERM", () => void stop("SIGTERM"));
process.once("SIGINT", () => void stop("SIGINT"));

try {
  const { origin, setupToken } = await start(config, log, lifecycle);
  const facts = { origin, setupToken, dataDir: config.dataDir, version: SERVER_VERSION, startMs: performance.now() };
  process.stdout.write(`${renderBanner(facts)}\n`);
  compactHeapAfterStart();
} catch (error) {
  await lifecycle.close();
  const expected = error instanceof StartError;
  const shown = expected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`The server does not start: ${shown}\n`);
  process.exit(1);
}
