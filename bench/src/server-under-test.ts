import { join } from "node:path";
import { createDeveloper, type Developer, type Project } from "../../e2e/harness/developer.ts";
import { answerTo } from "./answer-to.ts";
import { freePort } from "./free-port.ts";
import type { ScenarioContext } from "./scenario.ts";
import { byNode, type RunningServer, startServer } from "./server-process.ts";
import { SEED_SQL } from "./workload/seed-sql.ts";
import { COMPATIBILITY_DATE, WORKER_SOURCE } from "./workload/worker-source.ts";

/**
 * Limits as high as they go: never reached, but counted on every request as for everybody. (0 would switch the counting
 * itself off.)
 */
const HIGHEST_LIMIT = "100000000";
export const RAISED_LIMITS: Readonly<Record<string, string>> = {
  AEROSTACK_LIMIT_ANONYMOUS_PER_MINUTE: HIGHEST_LIMIT,
  AEROSTACK_LIMIT_PROJECT_PER_MINUTE: HIGHEST_LIMIT,
  AEROSTACK_LIMIT_CALLS_PER_MINUTE: HIGHEST_LIMIT,
  AEROSTACK_LIMIT_ANONYMOUS_CALLS_PER_MINUTE: HIGHEST_LIMIT,
};

export const FUNCTION_NAME = "workload";

export interface ServerUnderTest extends RunningServer {
  readonly dataDir: string;
}

/** Our server on fresh data, started as users start it; it stops with the scenario. */
export async function startServerUnderTest(
  context: ScenarioContext,
  env: Readonly<Record<string, string>> = {},
): Promise<ServerUnderTest> {
  const { profileDir, scratchDir, resources } = context;
  const dataDir = join(scratchDir, "data");
  // The server hands the arguments of its Node on to the data host.
  const profiling = profileDir === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  const server = await startServer(byNode(profiling), await freePort(), {
    ...RAISED_LIMITS,
    AEROSTACK_DATA_DIR: dataDir,
    ...env,
  });
  resources.use(server);
  return { ...server, dataDir };
}

/** The workload on our server, private: each call carries the key of its project. */
export interface DeployedWorkload {
  readonly developer: Developer;
  readonly project: Project;
  readonly baseUrl: string;
  readonly headers: Readonly<Record<string, string>>;
}

export async function deployWorkload(server: RunningServer): Promise<DeployedWorkload> {
  const developer = await createDeveloper(server);
  const project = await developer.createProject("bench");
  const { secret } = await developer.createKey(project);
  await developer.deploy(project, {
    name: FUNCTION_NAME,
    worker: WORKER_SOURCE,
    compatibilityDate: COMPATIBILITY_DATE,
    isPublic: false,
  });
  return {
    developer,
    project,
    baseUrl: `${server.url}/f/${project.slug}/${FUNCTION_NAME}`,
    headers: { "x-api-key": secret },
  };
}

interface Seedable {
  readonly baseUrl: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Makes the tables that the workload reads and writes. */
export async function seedDatabase({ baseUrl, headers = {} }: Seedable): Promise<void> {
  await answerTo({ url: `${baseUrl}/seed-db`, method: "POST", body: SEED_SQL, headers });
}

/** Fills the keys that the workload reads. */
export async function seedKeys({ baseUrl, headers = {} }: Seedable): Promise<void> {
  await answerTo({ url: `${baseUrl}/seed-kv`, method: "POST", headers });
}

/** A run whose requests left no trace in the log did not measure what users get. @throws then */
export async function requireLogged({ developer, project }: DeployedWorkload): Promise<void> {
  const { logs } = await developer.call<{ logs: readonly unknown[] }>(
    "GET",
    `/api/v1/projects/${project.id}/logs?limit=1`,
  );
  if (logs.length === 0) throw new Error("The server logged none of the requests.");
}
