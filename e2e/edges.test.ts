import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { exchangeBytes, send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

let server: ServerProcess;
let developer: Developer;
let project: Project;

const BOUNDARY = "boundary-of-the-form";
const WORKER = "export default { fetch: () => new Response('x') };";
function form(name: string, worker: string, extra = ""): string {
  const field = (key: string, value: string): string =>
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`;
  return `${field("project_id", project.id)}${field("name", name)}${extra}--${BOUNDARY}\r\ncontent-disposition: form-data; name="worker"; filename="worker"\r\n\r\n${worker}\r\n--${BOUNDARY}--\r\n`;
}
const deploy = (body: string, contentType = `multipart/form-data; boundary=${BOUNDARY}`) =>
  send(server.url, {
    path: "/api/v1/cli/deploy",
    method: "POST",
    headers: { "x-api-key": developer.accountKey, "content-type": contentType },
    body,
  });
const bundles = async (): Promise<string[]> =>
  (await readdir(join(server.dataDir, "bundles"), { recursive: true })).sort();

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("gateway");
  await developer.deploy(project, { name: "echo", worker: await fixtureWorker("hostile"), isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
});

test("connection-bound headers and headers named by Connection do not pass", async () => {
  const { body } = await send(developer.functionUrl(project, "echo", "/headers"), {
    headers: {
      connection: "close, x-secret-hop",
      "x-secret-hop": "1",
      te: "trailers",
      "proxy-authorization": "Basic x",
    },
  });
  expect(body).not.toMatch(/x-secret-hop|proxy-authorization|"te"/);
});

test("a host with a port that is none is refused by the gateway", async () => {
  const answer = await send(server.url, { path: "/hello", headers: { host: "echo.gateway.localhost:99999" } });
  expect(answer.status).toBe(400);
});

test("a form whose boundary is empty is refused without a 500", async () => {
  expect((await deploy(form("a", WORKER), "multipart/form-data; boundary=")).status).toBe(400);
});

test("a cron that never comes is refused", async () => {
  const config = `--${BOUNDARY}\r\ncontent-disposition: form-data; name="config"\r\n\r\n{"crons": ["0 0 31 2 *"]}\r\n`;
  expect((await deploy(form("never", WORKER, config))).status).toBe(400);
});

test("the files of a refused deployment are not kept", async () => {
  const before = await bundles();
  expect((await deploy(form("broken", "throw new Error('a bundle of its own');"))).status).toBe(422);
  await pollUntil("the files to go", async () => JSON.stringify(await bundles()) === JSON.stringify(before));
});

test("a client that leaves in the middle of a deployment leaves no half-written file", async () => {
  const before = await bundles();
  const body = form("left", WORKER);
  const head = `POST /api/v1/cli/deploy HTTP/1.1\r\nhost: x\r\nx-api-key: ${developer.accountKey}\r\ncontent-type: multipart/form-data; boundary=${BOUNDARY}\r\ncontent-length: ${body.length}\r\n\r\n`;
  await exchangeBytes(server.port, head + body.slice(0, -30), undefined, 300);
  await pollUntil("the files to go", async () => JSON.stringify(await bundles()) === JSON.stringify(before));
});

test("the files of a deleted project are not kept", async () => {
  const doomed = await developer.createProject("doomed");
  const before = await bundles();
  await developer.deploy(doomed, { name: "doomed", worker: `${WORKER} // of the doomed` });
  await developer.call("DELETE", `/api/v1/projects/${doomed.id}?confirm=${doomed.slug}`);
  await pollUntil("the files to go", async () => JSON.stringify(await bundles()) === JSON.stringify(before));
});

test("a key among the sub-protocols opens a private function's WebSocket, as browsers cannot set headers", async () => {
  await developer.deploy(project, { name: "guarded", worker: await fixtureWorker("streams"), isPublic: false });
  const { secret } = await developer.createKey(project);
  const url = developer.functionUrl(project, "guarded", "/socket").replace("http", "ws");
  const socket = new WebSocket(url, ["aerostack-v1", `aerostack-key.${secret}`]);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  socket.close();
});

test("SIGTERM does not wait for WebSockets and live tails that never end by themselves", async () => {
  const own = await startServer();
  const developer = await createDeveloper(own);
  const project = await developer.createProject();
  await developer.deploy(project, { name: "streams", worker: await fixtureWorker("streams"), isPublic: true });
  const socket = new WebSocket(developer.functionUrl(project, "streams", "/socket").replace("http", "ws"));
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
  const tail = await fetch(`${own.url}/api/v1/projects/${project.id}/logs/tail`, {
    headers: { "x-api-key": developer.accountKey },
  });
  expect(tail.status).toBe(200);
  const startedAt = performance.now();
  expect(await own.stop()).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await closed;
});
