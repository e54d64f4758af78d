import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { exchangeBytes, send } from "./harness/raw-http.ts";
import { createSeededRandom } from "./harness/seeded-random.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Forms that are no deployments: refused with a reason, never a 500, and no function comes of them.

let server: ServerProcess;
let developer: Developer;
let project: Project;
let pid = 0;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  pid = server.pid;
  developer = await createDeveloper(server);
  project = await developer.createProject("gateway");
});
afterAll(async () => {
  await server?.dispose();
});

async function stillWorks(): Promise<void> {
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect(server.pid).toBe(pid);
}

describe("deployments that are none", () => {
  const BOUNDARY = "boundary-of-the-form";
  const part = (disposition: string, content: string, type = ""): string =>
    `--${BOUNDARY}\r\ncontent-disposition: form-data; ${disposition}\r\n${type}\r\n${content}\r\n`;
  const field = (name: string, value: string): string => part(`name="${name}"`, value);
  const file = (name: string, content: string, filename = name): string =>
    part(`name="${name}"; filename="${filename}"`, content, "content-type: application/javascript\r\n");
  const WORKER = "export default { fetch: () => new Response('x') };";
  const end = `--${BOUNDARY}--\r\n`;
  const valid = (): string =>
    field("project_id", project.id) + field("name", name) + field("env", "production") + file("worker", WORKER) + end;
  let serial = 0;
  let name = "";

  async function deploy(body: string | Buffer, contentType = `multipart/form-data; boundary=${BOUNDARY}`) {
    return await send(server.url, {
      path: "/api/v1/cli/deploy",
      method: "POST",
      headers: { "x-api-key": developer.accountKey, "content-type": contentType },
      body,
    });
  }
  async function functionNames(): Promise<string[]> {
    const { functions } = await developer.call<{ functions: { name: string }[] }>(
      "GET",
      `/api/v1/projects/${project.id}/functions?limit=200`,
    );
    return functions.map((one) => one.name);
  }

  beforeEach(() => {
    serial++;
    name = `garbage-${serial}`;
  });

  test("the form that the others are made from is a deployment", async () => {
    expect((await deploy(valid())).status).toBe(200);
    expect(await functionNames()).toContain(name);
  });

  const configField = (config: string): string =>
    field("project_id", project.id) + field("name", name) + field("config", config) + file("worker", WORKER) + end;
  const GARBAGE: Record<string, () => [body: string, contentType?: string]> = {
    "no boundary": () => [valid(), "multipart/form-data"],
    "another boundary": () => [valid(), "multipart/form-data; boundary=other"],
    "another content type": () => [valid(), "application/json"],
    "an empty body": () => [""],
    "an end without parts": () => [end],
    "no worker": () => [field("project_id", project.id) + field("name", name) + end],
    "the worker as a field": () => [
      field("project_id", project.id) + field("name", name) + field("worker", WORKER) + end,
    ],
    "two workers": () => [
      field("project_id", project.id) +
        field("name", name) +
        file("worker", WORKER) +
        file("worker", "export default 2") +
        end,
    ],
    "no project": () => [field("name", name) + file("worker", WORKER) + end],
    "another's project": () => [
      field("project_id", "prj_01m846rcmd9743jm6b3v43s6qk") + field("name", name) + file("worker", WORKER) + end,
    ],
    "a name of another kind": () => [
      field("project_id", project.id) + field("name", "../../etc") + file("worker", WORKER) + end,
    ],
    "a module with steps upwards": () => [
      field("project_id", project.id) +
        field("name", name) +
        file("worker", WORKER) +
        file("../../../evil.js", "x") +
        end,
    ],
    "an asset with steps upwards": () => [
      field("project_id", project.id) +
        field("name", name) +
        file("worker", WORKER) +
        file("assets/../../evil", "x") +
        end,
    ],
    "a module with an absolute name": () => [
      field("project_id", project.id) + field("name", name) + file("worker", WORKER) + file("/etc/evil.js", "x") + end,
    ],
    "a name with NUL": () => [
      field("project_id", project.id) + field("name", name) + file("worker", WORKER) + file("a\u0000b.js", "x") + end,
    ],
    "an environment of another kind": () => [
      field("project_id", project.id) + field("name", name) + field("env", "moon") + file("worker", WORKER) + end,
    ],
    "a date that is none": () => [
      field("project_id", project.id) +
        field("name", name) +
        field("compatibility_date", "2026-13-45") +
        file("worker", WORKER) +
        end,
    ],
    "a date in the future": () => [
      field("project_id", project.id) +
        field("name", name) +
        field("compatibility_date", "2999-01-01") +
        file("worker", WORKER) +
        end,
    ],
    "a flag that is unknown": () => [
      field("project_id", project.id) +
        field("name", name) +
        field("compatibility_flags", '["fly_to_the_moon"]') +
        file("worker", WORKER) +
        end,
    ],
    "flags that are no list": () => [
      field("project_id", project.id) +
        field("name", name) +
        field("compatibility_flags", "nodejs_compat") +
        file("worker", WORKER) +
        end,
    ],
    "a config that is no JSON": () => [configField("{")],
    "a config with unknown fields": () => [configField('{"surprise": 1}')],
    "a config with a prototype": () => [configField('{"__proto__": {"vars": {}}, "vars": {"__proto__": 1}}')],
    "a config of bindings that are no names": () => [configField('{"vars": {"a b": 1}}')],
    "a config that binds one name twice": () => [
      configField('{"vars": {"X": 1}, "kvNamespaces": [{"binding": "X", "namespace": "x"}]}'),
    ],
    "a config that binds to a function that is not there": () => [
      configField('{"services": [{"binding": "X", "service": "nowhere"}]}'),
    ],
    "a cron that is none": () => [configField('{"crons": ["99 * * * *"]}')],
    "capnp in a name": () => [
      configField('{"durableObjects": [{"binding": "X", "className": "A\\", embed \\"/etc/passwd"}]}'),
    ],
    "a header without end": () => [`--${BOUNDARY}\r\ncontent-disposition: form-data; name="${"x".repeat(100_000)}`],
    "a part cut off": () => [valid().slice(0, -40)],
    "a worker that is no UTF-8": () => [
      field("project_id", project.id) + field("name", name) + file("worker", "\u00ff\u00fe\u0000\u0001") + end,
    ],
    "a worker that is CommonJS": () => [
      field("project_id", project.id) + field("name", name) + file("worker", "module.exports = { fetch() {} };") + end,
    ],
    "a module that is no WebAssembly": () => [
      field("project_id", project.id) +
        field("name", name) +
        file("worker", `import x from "./a.wasm"; ${WORKER}`) +
        file("a.wasm", "not wasm") +
        end,
    ],
    "a thousand fields": () => [
      Array.from({ length: 1_000 }, (_, index) => field(`f${index}`, "x")).join("") + valid(),
    ],
  };

  test.each(Object.entries(GARBAGE))("%s: refused, and no function comes of it", async (what, make) => {
    const [body, contentType] = make();
    const answer = await deploy(Buffer.from(body, "latin1"), contentType);
    expect([what, answer.status, answer.body]).toEqual([
      what,
      expect.toSatisfy((status) => status >= 400 && status < 500),
      expect.stringMatching(/"code":"[A-Z_]+"/),
    ]);
    expect(await functionNames()).not.toContain(name);
    await stillWorks();
  });

  test("a client that leaves in the middle of a deployment leaves nothing behind", async () => {
    const body = valid();
    const head = `POST /api/v1/cli/deploy HTTP/1.1\r\nhost: x\r\nx-api-key: ${developer.accountKey}\r\ncontent-type: multipart/form-data; boundary=${BOUNDARY}\r\ncontent-length: ${body.length}\r\n\r\n`;
    await exchangeBytes(server.port, head + body.slice(0, -30), undefined, 300);
    await stillWorks();
    expect(await functionNames()).not.toContain(name);
  });

  test("forms with flipped, cut and repeated bytes never cause a 500", async () => {
    const seed = Number(process.env.AEROSTACK_SEED ?? Math.floor(Math.random() * 2 ** 31));
    const random = createSeededRandom(seed);
    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(valid(), "latin1");
      const kind = random.between(0, 3);
      let mutated: Buffer = bytes;
      if (kind === 0)
        for (let flips = random.between(1, 8); flips > 0; flips--)
          bytes[random.between(0, bytes.length - 1)] = random.between(0, 255);
      if (kind === 1) mutated = bytes.subarray(0, random.between(0, bytes.length));
      if (kind === 2) mutated = bytes.subarray(random.between(0, bytes.length));
      if (kind === 3) mutated = Buffer.concat([bytes.subarray(0, random.between(0, bytes.length)), bytes]);
      const answer = await deploy(mutated);
      expect([`seed ${seed}, round ${round}`, answer.status, answer.body]).toEqual([
        `seed ${seed}, round ${round}`,
        expect.toSatisfy((status) => status < 500),
        expect.any(String),
      ]);
    }
    await stillWorks();
  });
});
