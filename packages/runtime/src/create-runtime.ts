import { chmodSync, mkdirSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { join, resolve } from "node:path";
import { AerostackError } from "@aerostack/contracts";
import { createAssetsServer } from "./assets/assets-server.ts";
import { assertClassesExported, validateSpec } from "./config/validate-spec.ts";
import { deliverBatch } from "./deliver-batch.ts";
import { dispatchEvent } from "./dispatch-event.ts";
import { createAllowedHosts } from "./egress/allowed-hosts.ts";
import { createEgressServer } from "./egress/egress-server.ts";
import { createOwnAddresses } from "./egress/own-addresses.ts";
import { systemLookup } from "./egress/system-lookup.ts";
import { DEFAULT_RUNTIME_LIMITS, type RuntimeLimits } from "./limits.ts";
import { findLaunchTools } from "./process/launch-command.ts";
import { createLauncher, durableObjectDirectory } from "./process/launch-process.ts";
import { createProcessRegistry } from "./process/process-registry.ts";
import { sweepOrphans } from "./process/sweep-orphans.ts";
import type { ProcessRoute } from "./process/worker-process.ts";
import { findWorkerd } from "./process/workerd-binary.ts";
import { ProjectSupervisor } from "./project/project-supervisor.ts";
import { createLineIntake } from "./tails/line-intake.ts";
import { createLineLimiter } from "./tails/line-limiter.ts";
import { createTailServer } from "./tails/tail-server.ts";
import type { Runtime, RuntimeEvent, RuntimeOptions, ScheduledOutcome } from "./types.ts";

/** Longest path of a unix socket that every supported system takes (macOS: 104 bytes with the final zero). */
const MAX_SOCKET_PATH_BYTES = 103;
/** As long as the longest socket of a process: `w/<8 characters>/entry`. */
const LONGEST_SOCKET = join("w", "xxxxxxxx", "entry");

/**
 * Opens the runtime: ends what a crashed server left running and opens the sockets that functions reach the platform by.
 *
 * @throws when the data directory's path is too long for sockets, or there is no workerd for this machine
 */
export async function createRuntime(options: RuntimeOptions): Promise<Runtime> {
  const limits: RuntimeLimits = { ...DEFAULT_RUNTIME_LIMITS, ...options.limits };
  const dataDir = resolve(options.dataDir);
  const runDirectory = join(dataDir, "run");
  const workersDirectory = join(runDirectory, "w");
  const socketPath = (name: string): string => join(runDirectory, `${name}.sock`);
  assertSocketPath(runDirectory);
  mkdirSync(workersDirectory, { recursive: true, mode: 0o700 });
  chmodSync(runDirectory, 0o700);
  const orphans = await sweepOrphans(workersDirectory);
  if (orphans > 0) options.logger.warn({ orphans }, "ended processes that an earlier server left running");

  const registry = createProcessRegistry();
  const emit = (event: RuntimeEvent): void => options.onEvent(event);
  const egress = createEgressServer({
    registry,
    limits,
    allowed: createAllowedHosts(options.platformOrigin, options.egressAllow ?? []),
    lookup: options.egressLookup ?? systemLookup,
    ownAddresses: createOwnAddresses(),
    onBlocked: (projectId, host, reason) =>
      emit({ type: "egress.blocked", projectId, time: options.clock.now(), host, reason }),
    onLimited: (projectId, host) => emit({ type: "egress.limited", projectId, time: options.clock.now(), host }),
  });
  const intake = createLineIntake({ clock: options.clock, limiter: createLineLimiter(limits), onTail: options.onTail });
  const tails = createTailServer({ clock: options.clock, registry, intake });
  const assets = createAssetsServer({
    registry,
    onError: (error) => options.logger.error({ err: error }, "an asset could not be served"),
  });
  await Promise.all([
    listen(egress.server, socketPath("egress")),
    listen(tails, socketPath("tail")),
    listen(assets, socketPath("assets")),
  ]);

  const launch = createLauncher({
    dataDir,
    workersDirectory,
    workerdPath: options.workerdPath ?? findWorkerd(),
    tools: findLaunchTools(),
    limits,
    clock: options.clock,
    registry,
    intake,
    hostSocketPath: options.hostSocketPath ?? socketPath("host"),
    tailSocketPath: socketPath("tail"),
    egressSocketPath: socketPath("egress"),
    assetsSocketPath: socketPath("assets"),
    d1BindingModulePath: options.d1BindingModulePath,
    registerGrant: options.registerGrant,
    revokeGrant: options.revokeGrant,
    onGrantError: (error) => options.logger.error({ err: error }, "a grant could not be revoked"),
  });

  const projects = new Map<string, ProjectSupervisor>();
  const totals = { starts: 0, failures: 0 };
  let closed = false;

  function supervisorFor(spec: Parameters<Runtime["configure"]>[0]): ProjectSupervisor {
    const { projectId } = spec;
    const supervisor = new ProjectSupervisor(spec, {
      projectId,
      limits,
      launch,
      beforeStart: makeRoom,
      durableObjectDirectory: durableObjectDirectory(dataDir, projectId),
      clock: options.clock,
      onEvent(event) {
        if (event.type === "process.started") totals.starts++;
        if (event.type === "process.failed") totals.failures++;
        emit({ ...event, projectId, time: options.clock.now() } as RuntimeEvent);
      },
    });
    projects.set(projectId, supervisor);
    return supervisor;
  }

  /** The process that has been idle longest gives way where there are too many. */
  function makeRoom(): void {
    const now = performance.now();
    const active = [...projects.values()].filter((project) => project.isActive);
    if (active.length < limits.maxActiveProjects) return;
    const [longest] = active
      .map((project) => ({ project, idleMs: project.idleMs(now) }))
      .filter((one) => one.idleMs !== null)
      .sort((a, b) => (b.idleMs ?? 0) - (a.idleMs ?? 0));
    longest?.project.stopIdle("evicted");
  }

  const idleTimer = setInterval(
    () => {
      const now = performance.now();
      for (const project of projects.values()) {
        const idleMs = project.idleMs(now);
        if (idleMs !== null && idleMs >= limits.idleMs) project.stopIdle("idle");
      }
    },
    Math.max(10, Math.min(1000, limits.idleMs / 4)),
  );
  idleTimer.unref();

  function route(projectId: string, functionKey: string): ProcessRoute | Promise<ProcessRoute> {
    const project = projects.get(projectId);
    if (project !== undefined && !closed) return project.route(functionKey);
    return Promise.reject(
      closed ? new AerostackError("SERVICE_UNAVAILABLE") : new AerostackError("FUNCTION_NOT_FOUND"),
    );
  }

  return {
    route,
    async configure(spec) {
      if (closed) throw new AerostackError("SERVICE_UNAVAILABLE");
      const project = projects.get(spec.projectId);
      if (project === undefined) supervisorFor(spec);
      else await project.configure(spec);
    },
    async remove(projectId) {
      const project = projects.get(projectId);
      if (project === undefined) return;
      await project.remove();
      if (projects.get(projectId) === project) projects.delete(projectId);
    },
    async check(spec) {
      validateSpec(spec);
      const process = await launch(spec, "check");
      await process.stop("closed");
      assertClassesExported(spec, (await process.ended).exit.output);
    },
    async dispatchQueue(projectId, functionKey, queueName, messages, { timeoutMs = limits.eventTimeoutMs } = {}) {
      const target = await route(projectId, functionKey);
      return await deliverBatch(target, { queue: queueName, messages }, timeoutMs);
    },
    async dispatchScheduled(projectId, functionKey, event, { timeoutMs = limits.eventTimeoutMs } = {}) {
      const target = await route(projectId, functionKey);
      return await dispatchEvent<ScheduledOutcome>(target, "/scheduled", { ...event }, timeoutMs);
    },
    stats() {
      const all = [...projects.values()].map((project) => project.stats());
      return {
        projects: all,
        activeProcesses: all.filter((one) => one.pid !== null).length,
        starts: totals.starts,
        failures: totals.failures,
        egressInFlight: egress.inFlight(),
      };
    },
    async close() {
      if (closed) return;
      closed = true;
      clearInterval(idleTimer);
      await Promise.all([...projects.values()].map((project) => project.close()));
      await Promise.all([egress.close(), closeServer(tails), closeServer(assets)]);
      intake.close();
    },
  };
}

function assertSocketPath(runDirectory: string): void {
  const longest = Buffer.byteLength(join(runDirectory, LONGEST_SOCKET));
  if (longest <= MAX_SOCKET_PATH_BYTES) return;
  throw new Error(
    `The data directory's path is ${longest - MAX_SOCKET_PATH_BYTES} bytes too long: the system's limit for the sockets in it is ${MAX_SOCKET_PATH_BYTES} bytes. Choose a shorter AEROSTACK_DATA_DIR than '${runDirectory.slice(0, -"/run".length)}'.`,
  );
}

async function listen(server: Server, path: string): Promise<void> {
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
}

async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
