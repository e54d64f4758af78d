import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { hostileValue, malformedJson } from "./harness/hostile-values.ts";
import { type Endpoint, publishedEndpoints } from "./harness/published-endpoints.ts";
import { exchangeBytes, send } from "./harness/raw-http.ts";
import { sampleValue } from "./harness/sample-value.ts";
import { createSeededRandom, type SeededRandom } from "./harness/seeded-random.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Every published address gets what no client sends. `AEROSTACK_FUZZ_ROUNDS=200 npm run test:fuzz` is the long form; the
// seed of a failure is in its message.
const ROUNDS = Number(process.env.AEROSTACK_FUZZ_ROUNDS ?? 6);
/** The same in every short run; a long one looks elsewhere each time. */
const SEED = Number(
  process.env.AEROSTACK_FUZZ_SEED ?? (process.env.AEROSTACK_FUZZ_ROUNDS === undefined ? 1 : Date.now() % 1_000_000),
);
/** A route may say that a part of the product is not set up; nothing else of the fives is an answer. */
const ALLOWED_SERVER_ERRORS = new Set([501, 503]);
/** They end the session, or the project, that the rest of the run needs. */
const SKIPPED = /logout|^DELETE \/api\/v1\/projects\/\{project\}$|^DELETE \/api\/v1\/account/;

let server: ServerProcess;
let owner: Developer;
let project: Project;
let projectKey: string;
let endpoints: readonly Endpoint[];

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  owner = await createDeveloper(server);
  project = await owner.createProject("fuzzed");
  projectKey = (await owner.createKey(project)).secret;
  endpoints = (await publishedEndpoints(server.url)).filter(
    ({ name, operation }) =>
      !SKIPPED.test(name) && !("text/event-stream" in (operation.responses["200"]?.content ?? {})),
  );
});
afterAll(async () => {
  await server?.dispose();
});

function pathOf({ path, operation }: Endpoint, random: SeededRandom): string {
  const target = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    if (name === "project") return project.id;
    const value = hostileValue(random);
    // A path has its own bound on length, tested elsewhere.
    return encodeURIComponent(typeof value === "string" ? value.toWellFormed().slice(0, 2000) || "x" : "sample");
  });
  const query = new URLSearchParams();
  for (const parameter of operation.parameters) {
    if (parameter.in !== "query" || random.next() < 0.3) continue;
    const value = hostileValue(random);
    query.set(parameter.name, (typeof value === "string" ? value : JSON.stringify(value)).slice(0, 2000));
  }
  return query.size === 0 ? target : `${target}?${query}`;
}

/** The sample of the schema with one part, or all of it, made hostile. */
function bodyOf(
  { operation }: Endpoint,
  random: SeededRandom,
): { readonly body: string; readonly type: string } | null {
  const json = operation.requestBody?.content["application/json"];
  if (json === undefined) {
    const [type] = Object.keys(operation.requestBody?.content ?? {});
    return type === undefined ? null : { type, body: malformedJson(random) };
  }
  const type = "application/json";
  if (random.next() < 0.2) return { type, body: malformedJson(random) };
  const sample = sampleValue(json.schema);
  if (typeof sample !== "object" || sample === null || random.next() < 0.1) {
    return { type, body: JSON.stringify(hostileValue(random)) };
  }
  const { properties = {} } = json.schema as { properties?: Record<string, unknown> };
  const fields = Object.keys(properties);
  const hostile: Record<string, unknown> = { ...sample };
  for (let count = random.between(1, 2); count > 0 && fields.length > 0; count--) {
    hostile[random.pick(fields)] = hostileValue(random);
  }
  return { type, body: JSON.stringify(hostile) };
}

describe(`hostile requests (seed ${SEED})`, () => {
  test("get an error that is the caller's from every address, and the server goes on", async () => {
    const random = createSeededRandom(SEED);
    const wrong: string[] = [];
    const expectable = (status: number): boolean => status < 500 || ALLOWED_SERVER_ERRORS.has(status);
    for (let round = 0; round < ROUNDS; round++) {
      for (const endpoint of endpoints) {
        const key = endpoint.path.startsWith("/v1/") ? projectKey : owner.accountKey;
        const content = bodyOf(endpoint, random);
        const path = pathOf(endpoint, random);
        const answer = await send(`${server.url}${path}`, {
          method: endpoint.method,
          headers: {
            "x-api-key": key,
            ...(content === null
              ? {}
              : { "content-type": content.type, "content-length": Buffer.byteLength(content.body) }),
          },
          ...(content === null ? {} : { body: content.body }),
        }).catch((error: Error) => ({ status: 0, body: error.message }));
        if (answer.status !== 0 && expectable(answer.status)) continue;
        wrong.push(
          `${endpoint.method} ${path.slice(0, 300)} ${content?.body.slice(0, 300)} → ${answer.status} ${answer.body.slice(0, 300)}`,
        );
      }
    }
    expect(wrong).toEqual([]);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  }, 600_000);

  test("that are no HTTP end with their own connection", async () => {
    const random = createSeededRandom(SEED);
    const lines = [
      "GET / HTTP/9.9\r\n\r\n",
      "POST /v1/db/query HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n",
      "POST /v1/db/query HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
      `GET /${"a".repeat(100_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
      "GET /\u0000 HTTP/1.1\r\nhost: a\r\n\r\n",
      "GET /f/%zz/%ff HTTP/1.1\r\nhost: [::\r\n\r\n",
      Array.from({ length: 300 }, () => String.fromCharCode(random.between(0, 255))).join(""),
    ];
    for (const bytes of lines) {
      const answer = await exchangeBytes(
        server.port,
        Buffer.from(bytes, "latin1"),
        (text) => text.includes("\r\n\r\n"),
        1000,
      );
      expect(answer === "" || /^HTTP\/1\.1 4\d\d /.test(answer), `${bytes.slice(0, 60)} → ${answer.slice(0, 60)}`).toBe(
        true,
      );
    }
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  });
});
