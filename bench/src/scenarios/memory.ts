import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createDeveloper, type Developer } from "../../../e2e/harness/developer.ts";
import { answerTo } from "../answer-to.ts";
import { type Comparison, compare, series } from "../comparison.ts";
import { MAX_DISTURBANCE, QUIET_TIMEOUT_MS, untilLeftAlone } from "../foreign-load.ts";
import { freePort } from "../free-port.ts";
import { type TreeMemory, treeMemory } from "../memory.ts";
import { isWorkerd, processTree } from "../process-tree.ts";
import type { Plan, Scenario, ScenarioContext } from "../scenario.ts";
import { BY_NPM, type RunningServer, startServer } from "../server-process.ts";
import { FUNCTION_NAME, RAISED_LIMITS } from "../server-under-test.ts";
import { median } from "../statistics.ts";
import { waitUntil } from "../wait-until.ts";
import { COMPATIBILITY_DATE, WORKER_SOURCE } from "../workload/worker-source.ts";

const IDLE_TOTAL_LIMIT_MB = 200;
const SECOND_START_LIMIT_S = 1.5;
const DEPLOYS_AT_ONCE = 2;
/** After a start or a burst of work: time for timers to run out and for what was compiled once to be let go. */
const SETTLE_MS = 5000;
const CHECKS_ENDED_TIMEOUT_MS = 60_000;

interface Starter {
  /** Starts the server on the scenario's data. */
  readonly start: () => Promise<RunningServer>;
}

/** (e) What the server holds with few and with many projects, and how long it takes to start. */
export const memory: Scenario = {
  name: "memory",
  title: "Memory, and the second start",
  needsWrk: false,
  async run(context) {
    const port = await freePort();
    const env = { ...RAISED_LIMITS, AEROSTACK_DATA_DIR: join(context.scratchDir, "data") };
    const starter: Starter = { start: () => startServer(BY_NPM, port, env) };
    const { plan, say } = context;

    await (await starter.start())[Symbol.asyncDispose](); // The first start makes keys and databases.
    const empty = await observeStarts(starter, plan);
    say(`empty: ${describe(empty.memories)}`);
    const urls = await fill(context, starter);
    const full = await observeStarts(starter, plan, urls[0]);
    say(`${plan.projects} projects: ${describe(full.memories)}`);
    const active = await observeActiveProjects(starter, plan, urls.slice(0, plan.activeProjects));
    say(`${plan.activeProjects} active: ${describe(active)}`);
    const emptyMb = totals(empty.memories);
    const fullMb = totals(full.memories);
    const activeMb = totals(active);

    return [
      idleTotal("0", empty.memories),
      idleTotal(String(plan.projects), full.memories),
      alone("memory/per-idle-project", "memory of an idle project", "MB", [
        (median(fullMb) - median(emptyMb)) / plan.projects,
      ]),
      alone(
        "memory/active",
        `memory of all processes, ${plan.projects} projects, ${plan.activeProjects} active`,
        "MB",
        activeMb,
        { samples: active },
      ),
      alone("memory/per-active-project", "memory of an active project", "MB", [
        (median(activeMb) - median(fullMb)) / plan.activeProjects,
      ]),
      secondStart("0", empty.readySeconds),
      secondStart(String(plan.projects), full.readySeconds),
      alone(
        "memory/second-start-function",
        `second start to a function's first answer, ${plan.projects} projects`,
        "s",
        full.functionSeconds,
      ),
    ];
  },
};

function alone(id: string, title: string, unit: "MB" | "s", rounds: readonly number[], details?: object): Comparison {
  return compare({
    id,
    title,
    unit,
    ours: series("ours", rounds),
    ...(details === undefined ? {} : { details: { ...details } }),
  });
}

function totals(samples: readonly TreeMemory[]): readonly number[] {
  return samples.map(({ totalMb }) => totalMb);
}

function idleTotal(projects: string, samples: readonly TreeMemory[]): Comparison {
  return compare({
    id: `memory/idle-${projects}`,
    title: `memory of all processes, npm included, ${projects} projects idle`,
    unit: "MB",
    ours: series("ours", totals(samples)),
    target: { of: "value", is: "at most", limit: IDLE_TOTAL_LIMIT_MB },
    details: { samples },
  });
}

function secondStart(projects: string, seconds: readonly number[]): Comparison {
  return compare({
    id: `memory/second-start-${projects}`,
    title: `second start by npm to the first answered request, ${projects} projects`,
    unit: "s",
    ours: series("ours", seconds),
    target: { of: "value", is: "at most", limit: SECOND_START_LIMIT_S },
  });
}

interface Starts {
  readonly readySeconds: readonly number[];
  readonly functionSeconds: readonly number[];
  /** Of the starts that nobody asked anything of. */
  readonly memories: readonly TreeMemory[];
}

/** Starts the server again and again: some starts are asked at once and timed, the others are left alone and weighed. */
async function observeStarts(starter: Starter, plan: Plan, functionUrl?: string): Promise<Starts> {
  const readySeconds: number[] = [];
  const functionSeconds: number[] = [];
  const memories: TreeMemory[] = [];
  for (let start = 0; start < plan.serverStarts; start++) {
    await untilLeftAlone(MAX_DISTURBANCE, QUIET_TIMEOUT_MS);
    const server = await starter.start();
    try {
      readySeconds.push(server.readyMs / 1000);
      if (functionUrl === undefined) continue;
      await answerTo({ url: functionUrl });
      functionSeconds.push((performance.now() - server.startedAt) / 1000);
    } finally {
      await server[Symbol.asyncDispose]();
    }
  }
  for (let start = 0; start < plan.weighings; start++) {
    const server = await starter.start();
    try {
      await delay(SETTLE_MS);
      memories.push(treeMemory(server.pid));
    } finally {
      await server[Symbol.asyncDispose]();
    }
  }
  return { readySeconds, functionSeconds, memories };
}

/** Deploys one function to each of many projects. @returns where they answer */
async function fill({ plan, say }: ScenarioContext, starter: Starter): Promise<readonly string[]> {
  const server = await starter.start();
  try {
    const developer = await createDeveloper(server);
    const urls: string[] = [];
    let begun = 0;
    const deployer = async (): Promise<void> => {
      while (begun < plan.projects) {
        const index = begun++;
        urls[index] = await deployOne(developer, server.url, index);
        if ((index + 1) % 100 === 0) say(`${index + 1} projects deployed`);
      }
    };
    await Promise.all(Array.from({ length: DEPLOYS_AT_ONCE }, deployer));
    await waitUntil(
      "the checks of deployments end",
      () => !processTree(server.pid).some(isWorkerd),
      CHECKS_ENDED_TIMEOUT_MS,
    );
    await delay(SETTLE_MS);
    say(`just deployed: ${describe([treeMemory(server.pid)])}`);
    return urls;
  } finally {
    await server[Symbol.asyncDispose]();
  }
}

async function deployOne(developer: Developer, origin: string, index: number): Promise<string> {
  const project = await developer.createProject(`memory ${index}`);
  await developer.deploy(project, {
    name: FUNCTION_NAME,
    worker: WORKER_SOURCE,
    compatibilityDate: COMPATIBILITY_DATE,
    isPublic: true,
  });
  return `${origin}/f/${project.slug}/${FUNCTION_NAME}/hello`;
}

async function observeActiveProjects(
  starter: Starter,
  plan: Plan,
  urls: readonly string[],
): Promise<readonly TreeMemory[]> {
  const memories: TreeMemory[] = [];
  for (let round = 0; round < plan.weighings; round++) {
    const server = await starter.start();
    try {
      for (const url of urls) await answerTo({ url });
      await delay(SETTLE_MS);
      const running = processTree(server.pid).filter(isWorkerd).length;
      if (running !== urls.length) throw new Error(`${running} processes run for ${urls.length} active projects.`);
      memories.push(treeMemory(server.pid));
    } finally {
      await server[Symbol.asyncDispose]();
    }
  }
  return memories;
}

/** The last of the samples, in words. */
function describe(samples: readonly TreeMemory[]): string {
  const shown = samples.at(-1);
  if (shown === undefined) return "nothing";
  const roles = Object.entries(shown.byRoleMb).map(([role, megabytes]) => `${role} ${megabytes.toFixed(0)}`);
  return `${shown.totalMb.toFixed(0)} MB in ${shown.processes} processes (${roles.join(", ")})`;
}
