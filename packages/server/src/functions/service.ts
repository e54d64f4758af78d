import { AerostackError, type DeployConfig, type FunctionEnvironment } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import { type Runtime, readWhole } from "@aerostack/runtime";
import type { Audit } from "../audit/record.ts";
import type { BundleStore } from "./bundle-store.ts";
import { nextCronRun } from "./cron-scheduler.ts";
import type { BundleModule, DeployForm } from "./deploy-form.ts";
import type { ProjectActivation } from "./project-activation.ts";
import type { ProjectSpecBuilder } from "./project-spec.ts";
import { DEFAULT_RESOURCES, storedResource } from "./resource-names.ts";
import type { SecretStore } from "./secret-store.ts";
import type { FunctionStore } from "./store.ts";
import type { ActivationReason, ActiveFunction, FunctionRecord, FunctionVersion } from "./types.ts";

export interface ProjectRef {
  readonly id: string;
  readonly slug: string;
  /** For the audit log; the platform itself leaves it out. */
  readonly organisationId?: string;
}

export interface FunctionServiceOptions {
  readonly clock: Clock;
  readonly store: FunctionStore;
  readonly secrets: SecretStore;
  readonly audit: Audit;
  readonly bundles: BundleStore;
  readonly buildSpec: ProjectSpecBuilder;
  readonly runtime: Runtime;
  readonly activation: ProjectActivation;
  /** The address that takes a queue's messages instead of a function, or null. */
  readonly endpointOf: (projectId: string, storedQueue: string) => Promise<string | null>;
  /** Tells every node, this one included, that what serves in a project has changed. */
  readonly announceChange: (projectId: string) => void;
}

export interface Deployment {
  readonly record: FunctionRecord;
  readonly version: FunctionVersion;
}

export interface RolloutShare {
  readonly environment: FunctionEnvironment;
  readonly versionNumber: number;
  /** 1 to 100. */
  readonly percent: number;
}

const DEFAULT_CONSUMER_SETTINGS = { maxBatchSize: 10, maxBatchTimeoutSeconds: 1, maxRetries: 3, retryDelaySeconds: 0 };
/** A module that has a method or property of this name; a bundler's output keeps exported names. */
const QUEUE_HANDLER = /(?:^|[\s,{;(])(?:async\s+)?queue\s*(?:\(|:)|\bas\s+queue\b/;

const ACTIONS: Readonly<Record<ActivationReason, string>> = {
  deploy: "function.deployed",
  rollback: "function.rolled_back",
  rollout: "function.rolled_out",
};

/** What serves in the same environment. */
interface Neighbours {
  readonly projectId: string;
  readonly environment: FunctionEnvironment;
  readonly others: readonly ActiveFunction[];
}

/** A DNS label made of whatever a project or function is called. */
export function functionNameFrom(text: string): string {
  const label = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63)
    .replace(/-+$/, "");
  return label === "" ? "app" : label;
}

function notFound(name: string): AerostackError {
  return new AerostackError("FUNCTION_NOT_FOUND", { message: `There is no function '${name}' in this project.` });
}

/** What a project's functions are, how new versions come to serve, and how old ones come back. */
export function createFunctionService(options: FunctionServiceOptions) {
  const { clock, store, secrets, audit, bundles, buildSpec, runtime } = options;
  /** Deployments of one project run one after another: each starts from what the one before left serving. */
  const queues = new Map<string, Promise<unknown>>();

  async function inTurn<T>(projectId: string, work: () => Promise<T>): Promise<T> {
    const before = queues.get(projectId) ?? Promise.resolve();
    const run = before.then(work, work);
    const settled = run.catch(() => {});
    queues.set(projectId, settled);
    try {
      return await run;
    } finally {
      if (queues.get(projectId) === settled) queues.delete(projectId);
    }
  }

  async function find(projectId: string, name: string): Promise<FunctionRecord> {
    const record = await store.findByName(projectId, name);
    if (record === null) throw notFound(name);
    return record;
  }

  async function findVersion(record: FunctionRecord, number: number): Promise<FunctionVersion> {
    const version = await store.findVersion(record.id, number);
    if (version === null) {
      throw new AerostackError("NOT_FOUND", { message: `The function '${record.name}' has no version ${number}.` });
    }
    return version;
  }

  function validateCrons(config: DeployConfig): void {
    for (const cron of config.crons) {
      try {
        if (nextCronRun(cron, clock.now()) === null) throw new Error("this date never comes");
      } catch (cause) {
        throw new AerostackError("VALIDATION_ERROR", {
          message: `'${cron}' is not a cron expression: ${cause instanceof Error ? cause.message : String(cause)}`,
          details: { fieldErrors: { crons: [cron] } },
          cause,
        });
      }
    }
  }

  /** Who takes a queue's messages beside the function that is deployed, in words, or null. */
  async function otherConsumer({ projectId, environment, others }: Neighbours, queue: string): Promise<string | null> {
    const other = others.find((one) => one.version.config.queueConsumers.some((consumer) => consumer.queue === queue));
    if (other !== undefined) return `the function '${other.record.name}'`;
    const url = await options.endpointOf(projectId, storedResource(queue, environment));
    return url === null ? null : `the endpoint ${url}`;
  }

  /** A function that has `queue()` and names no consumer gets the project's default queue, unless another has it. */
  async function withDefaultConsumer(
    config: DeployConfig,
    main: BundleModule,
    neighbours: Neighbours,
  ): Promise<DeployConfig> {
    if (config.queueConsumers.length > 0) return config;
    if (!QUEUE_HANDLER.test((await readWhole(bundles.opener(main.sha256))).toString())) return config;
    if ((await otherConsumer(neighbours, DEFAULT_RESOURCES.queue)) !== null) return config;
    return { ...config, queueConsumers: [{ queue: DEFAULT_RESOURCES.queue, ...DEFAULT_CONSUMER_SETTINGS }] };
  }

  /** A queue has one consumer in each environment: two would take each other's messages. */
  async function assertOneConsumer(config: DeployConfig, neighbours: Neighbours): Promise<void> {
    for (const { queue } of config.queueConsumers) {
      const other = await otherConsumer(neighbours, queue);
      if (other !== null) {
        throw new AerostackError("CONFLICT", {
          message: `The queue '${queue}' is consumed by ${other} already.`,
          fix: "Remove the consumer there first, or use another queue.",
        });
      }
    }
  }

  /** Makes the runtime run what the store says serves. */
  async function apply(project: ProjectRef): Promise<void> {
    await options.activation.apply(project);
    options.announceChange(project.id);
  }

  interface Change {
    readonly record: FunctionRecord;
    readonly environment: FunctionEnvironment;
    readonly shares: readonly { versionNumber: number; percent: number }[];
    readonly reason: ActivationReason;
    readonly actor: string;
  }

  /** Changes what serves; when the runtime cannot run it, what served before is put back and goes on. */
  async function activate(project: ProjectRef, change: Change): Promise<void> {
    const { record, environment, reason, actor } = change;
    const before = (await store.activations(record.id))
      .filter((one) => one.environment === environment)
      .map(({ versionNumber, percent }) => ({ versionNumber, percent }));
    const write = (shares: Change["shares"]) =>
      store.activate({
        functionId: record.id,
        environment,
        shares,
        reason,
        actor,
        now: clock.now(),
        createId: () => createId("act", clock.now()),
      });
    await write(change.shares);
    try {
      await apply(project);
    } catch (error) {
      await write(before);
      throw error;
    }
    // Not with the activation: one that the runtime cannot run is taken back, and then nothing was done.
    await note(project, record.name, ACTIONS[reason], {
      before: { environment, serving: before },
      after: { environment, serving: change.shares },
    });
  }

  async function note(
    project: ProjectRef,
    name: string,
    action: string,
    change: { readonly before?: unknown; readonly after?: unknown },
  ): Promise<void> {
    const { id: projectId, organisationId } = project;
    await audit.record(null, { action, target: { kind: "function", id: name }, projectId, organisationId, ...change });
  }

  return {
    /**
     * Stores a new version and lets it serve its environment. Nothing changes when the bundle does not start.
     *
     * @throws FUNCTION_START_FAILED with the runtime's own message; VALIDATION_ERROR; CONFLICT
     */
    async deploy(project: ProjectRef, form: DeployForm, actor: string): Promise<Deployment> {
      return await inTurn(project.id, async () => {
        const now = clock.now();
        const name = form.functionName ?? functionNameFrom(project.slug);
        const existing = await store.findByName(project.id, name);
        const active = await store.activeFunctions(project.id);
        const others = active.filter((one) => one.record.name !== name && one.environment === form.environment);
        validateCrons(form.config);
        const main = form.modules[0];
        if (main === undefined || main.sizeBytes === 0) {
          throw new AerostackError("FUNCTION_START_FAILED", { message: "The bundle is empty: it exports no handler." });
        }
        const neighbours = { projectId: project.id, environment: form.environment, others };
        const config = await withDefaultConsumer(form.config, main, neighbours);
        await assertOneConsumer(config, neighbours);

        const record: FunctionRecord = existing ?? {
          id: createId("fn", now),
          projectId: project.id,
          name,
          isPublic: form.isPublic ?? false,
          createdAt: now,
          updatedAt: now,
        };
        const sizeBytes = [...form.modules, ...form.assets].reduce((sum, file) => sum + file.sizeBytes, 0);
        const draft = {
          id: createId("ver", now),
          modules: form.modules,
          assets: form.assets,
          compatibilityDate: form.compatibilityDate,
          compatibilityFlags: form.compatibilityFlags,
          config,
          sizeBytes,
          createdAt: now,
          createdBy: actor,
        };
        const candidate = {
          record,
          version: { ...draft, functionId: record.id, number: 0 },
          environment: form.environment,
        };
        await runtime.check(await buildSpec(project, [...others, candidate]));

        const version = await store.addVersion(record, draft);
        if (existing !== null && form.isPublic !== undefined && form.isPublic !== existing.isPublic) {
          await store.setPublic(existing.id, form.isPublic, now);
        }
        await activate(project, {
          record: { ...record, id: version.functionId },
          environment: form.environment,
          shares: [{ versionNumber: version.number, percent: 100 }],
          reason: "deploy",
          actor,
        });
        return { record: await find(project.id, name), version };
      });
    },

    /** Lets an earlier version serve alone again: the one named, or the one that served alone before. */
    async rollback(
      project: ProjectRef,
      name: string,
      environment: FunctionEnvironment,
      to: number | undefined,
      actor: string,
    ) {
      return await inTurn(project.id, async () => {
        const record = await find(project.id, name);
        const current = (await store.activations(record.id)).find((one) => one.environment === environment);
        if (current === undefined) {
          throw new AerostackError("CONFLICT", { message: `No version of '${name}' serves ${environment}.` });
        }
        const number = to ?? (await store.previousVersionNumber(record.id, environment, current.versionNumber));
        if (number === null) {
          throw new AerostackError("CONFLICT", { message: `'${name}' has no earlier version to go back to.` });
        }
        const version = await findVersion(record, number);
        const shares = [{ versionNumber: number, percent: 100 }];
        await activate(project, { record, environment, shares, reason: "rollback", actor });
        return version;
      });
    },

    /** Gives a version a share of the calls beside the one that serves now; 100 makes it serve alone. */
    async rollout(project: ProjectRef, name: string, share: RolloutShare, actor: string): Promise<FunctionVersion> {
      const { environment, versionNumber, percent } = share;
      return await inTurn(project.id, async () => {
        const record = await find(project.id, name);
        const version = await findVersion(record, versionNumber);
        const stable = (await store.activations(record.id))
          .filter((one) => one.environment === environment && one.versionNumber !== versionNumber)
          .sort((a, b) => b.percent - a.percent)[0];
        if (stable === undefined && percent < 100) {
          throw new AerostackError("CONFLICT", {
            message: "No other version serves that could take the rest of the calls.",
          });
        }
        const shares =
          stable === undefined || percent === 100
            ? [{ versionNumber, percent: 100 }]
            : [
                { versionNumber: stable.versionNumber, percent: 100 - percent },
                { versionNumber, percent },
              ];
        await activate(project, { record, environment, shares, reason: "rollout", actor });
        return version;
      });
    },

    find,
    findVersion,
    list: store.list,
    listVersions: store.listVersions,
    activations: store.activations,
    activeFunctions: store.activeFunctions,

    async setPublic(project: ProjectRef, name: string, isPublic: boolean): Promise<FunctionRecord> {
      const record = await find(project.id, name);
      await store.setPublic(record.id, isPublic, clock.now());
      options.announceChange(project.id);
      await note(project, name, "function.changed", { before: { isPublic: record.isPublic }, after: { isPublic } });
      return await find(project.id, name);
    },

    async remove(project: ProjectRef, name: string): Promise<void> {
      await inTurn(project.id, async () => {
        const record = await find(project.id, name);
        const needed = (await store.activeFunctions(project.id)).find(
          (one) => one.record.name !== name && one.version.config.services.some((service) => service.service === name),
        );
        if (needed !== undefined) {
          throw new AerostackError("CONFLICT", {
            message: `The function '${needed.record.name}' has a service binding to '${name}'.`,
          });
        }
        const { isPublic } = record;
        const serving = await store.activations(record.id);
        const files = await store.remove(record.id);
        await note(project, name, "function.deleted", {
          before: {
            isPublic,
            serving: serving.map(({ environment, versionNumber, percent }) => ({
              environment,
              versionNumber,
              percent,
            })),
          },
        });
        await apply(project);
        await bundles.collect(files);
      });
    },

    listSecrets: secrets.list,

    async setSecret(project: ProjectRef, environment: FunctionEnvironment, name: string, value: string): Promise<void> {
      await inTurn(project.id, async () => {
        await secrets.set({ project, environment, name, value, now: clock.now() });
        await apply(project);
      });
    },

    async deleteSecret(project: ProjectRef, environment: FunctionEnvironment, name: string): Promise<void> {
      await inTurn(project.id, async () => {
        if (!(await secrets.delete(project, environment, name))) {
          throw new AerostackError("NOT_FOUND", { message: `There is no secret '${name}' in ${environment}.` });
        }
        await apply(project);
      });
    },

    /** Ends everything that a project runs and forgets it: called when the project is deleted. */
    async deleteProject(projectId: string): Promise<void> {
      await inTurn(projectId, async () => {
        await runtime.remove(projectId);
        for (;;) {
          const records = await store.list(projectId, 100, "");
          if (records.length === 0) break;
          for (const record of records) await bundles.collect(await store.remove(record.id));
        }
        await secrets.deleteProject(projectId);
        options.activation.forget(projectId);
        options.announceChange(projectId);
      });
    },
  };
}

export type FunctionService = ReturnType<typeof createFunctionService>;
