import { spawn } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createDeveloper } from "./harness/developer.ts";
import { expectWithin } from "./harness/expect-within.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { descendantsOf, isDataHost, isWorkerd, proportionalBytes, stillRunning } from "./harness/process-tree.ts";
import { SERVER_MAIN, type ServerProcess, startServer } from "./harness/server-process.ts";

const SECOND_START_LIMIT_MS = 1_500;
const IDLE_LIMIT_MEGABYTES = 200;
const MEGABYTE = 1_000_000;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const MODE_BITS = 0o777;

let server: ServerProcess | undefined;
const folders: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aerostack-start-"));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  await server?.dispose();
  server = undefined;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Runs the server with settings that it must refuse. */
async function refusedStart(
  env: Record<string, string>,
): Promise<{ code: number | null; stderr: string; stdout: string }> {
  const child = spawn(process.execPath, [SERVER_MAIN], {
    env: { PATH: process.env.PATH ?? "", PORT: "0", AEROSTACK_DATA_DIR: join(await temporaryFolder(), "data"), ...env },
  });
  let stderr = "";
  let stdout = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  return await new Promise((resolve) => {
    // A server that starts after all is stopped, so that the test says so instead of waiting for ever.
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({ code, stderr, stdout });
    });
  });
}

describe("the first start", () => {
  test("prints at most eight lines: version, set-up link, API, MCP, data folder, next command", async () => {
    const dataDir = join(await temporaryFolder(), "data");
    server = await startServer({ dataDir });
    const banner = await pollUntil("the banner", () =>
      server?.standardOutput().includes("Next") ? server.standardOutput() : undefined,
    );
    const lines = banner.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(8);
    expect(banner).toContain(`${server.url}/setup`);
    expect(banner).toMatch(/\d+\.\d+\.\d+/);
    expect(banner).toMatch(new RegExp(`API +${server.url}`));
    expect(banner).toMatch(new RegExp(`MCP +${server.url}`));
    expect(banner).toContain(dataDir);
    expect(lines.at(-1)).toMatch(/Next/);
  });

  test("keeps its secrets to itself: folder 700, file 600", async () => {
    server = await startServer();
    const folder = await stat(server.dataDir);
    const secrets = await stat(join(server.dataDir, "secrets.json"));
    expect([folder.mode & MODE_BITS, secrets.mode & MODE_BITS]).toEqual([PRIVATE_FOLDER, PRIVATE_FILE]);
  });

  test("answers health and readiness", async () => {
    server = await startServer();
    const health = await fetch(`${server.url}/healthz`);
    expect([health.status, await health.json()]).toEqual([200, expect.objectContaining({ status: "ok" })]);
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([200, expect.objectContaining({ status: "ready" })]);
  });
});

test("a second start answers its first request within 1.5 s, with a function", async () => {
  server = await startServer();
  const developer = await createDeveloper(server);
  const project = await developer.createProject();
  await developer.deploy(project, {
    name: "version",
    worker: await fixtureWorker("version"),
    isPublic: true,
    config: { vars: { MARK: "up" } },
  });
  const { dataDir, port } = server;
  expect(await server.stop()).toBe(0);
  const startedAt = performance.now();
  server = await startServer({ dataDir, port });
  const readyMs = performance.now() - startedAt;
  expect(await (await fetch(developer.functionUrl(project, "version"))).text()).toBe("up");
  const calledMs = performance.now() - startedAt;
  console.info(
    `second start: ready after ${readyMs.toFixed(0)} ms, first function answer after ${calledMs.toFixed(0)} ms`,
  );
  expectWithin(readyMs, SECOND_START_LIMIT_MS);
  expectWithin(calledMs, 2 * SECOND_START_LIMIT_MS);
});

test("idle, all processes together take less than 200 MB", async () => {
  server = await startServer();
  const processes = [server.pid, ...(await descendantsOf(server.pid)).map((one) => one.pid)];
  const bytes = await Promise.all(processes.map(proportionalBytes));
  const totalMegabytes = bytes.reduce((sum, one) => sum + one, 0) / MEGABYTE;
  console.info(`idle: ${totalMegabytes.toFixed(0)} MB in ${processes.length} processes`);
  expect(totalMegabytes).toBeLessThan(IDLE_LIMIT_MEGABYTES);
});

describe("a start that must not be", () => {
  const refusals: [what: string, env: Record<string, string>, reason: RegExp][] = [
    [
      "an address that others reach, without TLS or proxy",
      { HOST: "0.0.0.0" },
      /HOST.*0\.0\.0\.0.*AEROSTACK_TLS_CERT.*AEROSTACK_TRUST_PROXY/s,
    ],
    ["the same in IPv6", { HOST: "::" }, /HOST.*'::'/s],
    ["a port that is none", { PORT: "80x" }, /PORT.*80x.*0 to 65535|PORT.*80x.*port/s],
    ["a limit outside its bounds", { AEROSTACK_FUNCTION_WALL_MS: "5" }, /AEROSTACK_FUNCTION_WALL_MS.*'5'.*100/s],
    ["a certificate without its key", { AEROSTACK_TLS_CERT: "/none.pem" }, /AEROSTACK_TLS_KEY/],
    ["a proxy that is no address", { AEROSTACK_TRUST_PROXY: "my-proxy" }, /AEROSTACK_TRUST_PROXY.*my-proxy/s],
    [
      "a database of another kind",
      { AEROSTACK_DATABASE_URL: "mysql://user:hunter2@host/db" },
      /AEROSTACK_DATABASE_URL/,
    ],
  ];

  test.each(refusals)("%s: names the setting, what was found and what is allowed", async (_what, env, reason) => {
    const { code, stderr, stdout } = await refusedStart(env);
    expect(code).toBe(1);
    expect(stderr).toMatch(reason);
    expect(stderr).not.toContain("    at ");
    expect(stderr).not.toContain("hunter2");
    expect(stdout).toBe("");
  });

  test("every wrong setting is named at once", async () => {
    const { stderr } = await refusedStart({ PORT: "-1", AEROSTACK_LOG_LEVEL: "loud" });
    expect(stderr).toContain("PORT");
    expect(stderr).toContain("AEROSTACK_LOG_LEVEL");
  });

  test("a port that is taken", async () => {
    server = await startServer();
    const { code, stderr } = await refusedStart({ PORT: String(server.port) });
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`${server.port}`));
  });

  test("a data folder that another server uses", async () => {
    server = await startServer();
    const { code, stderr } = await refusedStart({ AEROSTACK_DATA_DIR: server.dataDir });
    expect(code).toBe(1);
    expect(stderr).toContain(server.dataDir);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });
});

describe("SIGTERM", () => {
  test("lets requests in flight end, refuses new ones, exits 0 and leaves no process behind", async () => {
    server = await startServer();
    const developer = await createDeveloper(server);
    const project = await developer.createProject();
    await developer.deploy(project, { name: "streams", worker: await fixtureWorker("streams"), isPublic: true });
    const url = (path: string): string => developer.functionUrl(project, "streams", path);
    expect((await fetch(url("/"))).status).toBe(200);
    const processes = await descendantsOf(server.pid);
    expect(processes.some(isWorkerd)).toBe(true);
    expect(processes.some(isDataHost)).toBe(true);

    const slow = Array.from({ length: 20 }, (_, index) => fetch(url(`/slow?ms=${500 + index * 50}&mark=${index}`)));
    const download = fetch(url("/download?mebibytes=20"));
    await (await fetch(url("/"))).text();
    const stopped = server.stop();
    const answers = await Promise.all(slow.map(async (one) => [(await one).status, await (await one).text()]));
    expect(answers).toEqual(answers.map((_, index) => [200, String(index)]));
    expect((await (await download).arrayBuffer()).byteLength).toBe(20 * 1024 * 1024);
    expect(await stopped).toBe(0);
    await pollUntil("every process to end", async () => (await stillRunning(processes)).length === 0);
    await expect(fetch(url("/"))).rejects.toThrow();
  });

  test("what was acknowledged just before is there after the next start", async () => {
    server = await startServer();
    const developer = await createDeveloper(server);
    const project = await developer.createProject();
    const path = `/api/v1/projects/${project.id}`;
    await developer.call("POST", `${path}/db/query`, { sql: "CREATE TABLE rows (n INTEGER)" });
    const writes = Array.from({ length: 50 }, (_, n) =>
      developer.call("POST", `${path}/db/query`, { sql: "INSERT INTO rows VALUES (?)", params: [n] }).then(
        () => n,
        () => -1,
      ),
    );
    await writes[0];
    const { dataDir, port } = server;
    expect(await server.stop()).toBe(0);
    const acknowledged = (await Promise.all(writes)).filter((n) => n >= 0);
    server = await startServer({ dataDir, port });
    const { rows } = await developer.call<{ rows: number[][] }>("POST", `${path}/db/query`, {
      sql: "SELECT n FROM rows",
    });
    const stored = rows.map(([n]) => n);
    expect(acknowledged.filter((n) => !stored.includes(n))).toEqual([]);
  });
});

test("without a parent that says so, no child outlives a killed server", async () => {
  server = await startServer();
  const developer = await createDeveloper(server);
  const project = await developer.createProject();
  await developer.deploy(project, {
    name: "version",
    worker: await fixtureWorker("version"),
    isPublic: true,
    config: { vars: { MARK: "up" } },
  });
  await (await fetch(developer.functionUrl(project, "version"))).text();
  const processes = await descendantsOf(server.pid);
  expect(processes.length).toBeGreaterThanOrEqual(2);
  await server.kill();
  await pollUntil("every process to end", async () => (await stillRunning(processes)).length === 0, 10_000);
});
