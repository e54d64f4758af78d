import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { exchangeBytes, send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Requests that nobody means well: each is answered with a refusal or passed on as it is; none is a 500, none brings
// anything down, and what was refused is not stored.

let server: ServerProcess;
let developer: Developer;
let project: Project;
let pid = 0;
const KIBIBYTE = 1024;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  pid = server.pid;
  developer = await createDeveloper(server);
  project = await developer.createProject("gateway");
  await developer.deploy(project, { name: "echo", worker: await fixtureWorker("hostile"), isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
});

async function stillWorks(): Promise<void> {
  const answer = await fetch(developer.functionUrl(project, "echo", "/hello"));
  expect([answer.status, await answer.text()]).toEqual([200, "hello"]);
  expect(server.pid).toBe(pid);
}

const statusesOf = (received: string): number[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));

describe("headers that only the platform may set", () => {
  test("a client's x-as-*, x-aero-*, cf-* and x-forwarded-* headers do not reach the function", async () => {
    const forged: Record<string, string> = {
      "x-as-project-id": "prj_other",
      "x-as-dispatch-token": "forged",
      "x-as-service-token": "forged",
      "x-as-platform-url": "http://evil.example",
      "x-aero-token": "forged",
      "x-aero-binding": "kv:other",
      "X-Aero-Request": "forged",
      "cf-connecting-ip": "6.6.6.6",
      "cf-worker": "forged",
      "x-forwarded-for": "6.6.6.6",
      "x-forwarded-host": "forged.example",
      "x-forwarded-proto": "https",
      "x-real-ip": "6.6.6.6",
    };
    const answer = await fetch(developer.functionUrl(project, "echo", "/headers"), { headers: forged });
    const seen = (await answer.json()) as [string, string][];
    const text = JSON.stringify(seen);
    expect(text).not.toMatch(/forged|6\.6\.6\.6|evil|prj_other|kv:other/);
    expect(Object.fromEntries(seen)).toMatchObject({
      "x-as-project-id": project.id,
      "x-as-platform-url": server.url,
      "cf-connecting-ip": "127.0.0.1",
      "x-forwarded-proto": "http",
    });
  });
});

describe("paths", () => {
  const PATHS = [
    "/f/../api/v1/projects",
    "/f/./echo",
    "/f/%2e%2e/%2e%2e/etc/passwd",
    "/f/..%2f..%2fetc%2fpasswd/echo",
    "/f/gateway/..",
    "/f/gateway/%2e%2e/",
    "/f/gateway/echo%2fhello",
    "/f/gateway%2fecho/hello",
    "/f//echo/hello",
    "//f/gateway/echo/hello",
    "/f/gateway//hello",
    "/f/gateway/echo--staging/hello",
    "/f/gateway/echo@production@1/hello",
    "/f/gateway/--staging/hello",
    "/f/gateway/echo/%00",
    "/f/gateway/echo/%zz%",
    "/f/%zz/%/",
    "/f/gateway\\echo/hello",
    "/f/__proto__/constructor/",
    "/f/constructor/__proto__/toString",
    "/f/gateway/echo;x=1/hello",
    "/f/gateway/echo/hello?apiKey=%zz&apiKey=",
    "/f/gateway/echo/hello?apiKey=%00",
    "/f/gateway/echo/hello#fragment",
    "/v1/custom/",
    "/v1/custom/%2e%2e/x",
    "/v1/custom/echo%00",
    "/api/v1/projects/%ff",
    "/api/v1/projects/%00/functions",
    "/api/v1/projects/..%2f..%2f/functions",
    "/api/v1/projects/__proto__",
    "/api/v1/projects/' OR 1=1 --".replaceAll(" ", "%20"),
    "/api/v1/projects/gateway/functions/%2e%2e",
    "/api/v1/projects/gateway/kv/default/values/%ff%fe",
    "/api/v1/projects/gateway/kv/default/values/%00",
    "/api/v1/projects/gateway/kv/..%2f/values/x",
    "/api/v1/projects/gateway/storage/default/objects/../../../etc/passwd",
    "/api/v1/projects/gateway/storage/default/objects/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "/api/v1/projects/gateway/storage/default/objects/%00",
    "/api/v1/projects/gateway/logs?limit=-1",
    "/api/v1/projects/gateway/logs?limit=1e9&cursor=%00",
    "/api/v1/projects/gateway/logs?since=yesterday",
    "/api/v1/projects/gateway/functions?cursor=%ff",
    "/api/v1/projects/gateway/functions/echo/versions?cursor=NaN",
    "/api/v1/projects/gateway/functions/echo/versions/0",
    "/api/v1/projects/gateway/functions/echo/versions/99999999999999999999",
    "/api/v1/projects/gateway/functions/echo/versions/1/diff?against=x",
    "/setup/../secrets.json",
    "/%2e%2e/%2e%2e/secrets.json",
    "/api/docs/../../secrets.json",
  ];
  test.each(PATHS)("%s is answered, and not with what lies elsewhere", async (path) => {
    for (const headers of [{}, { "x-api-key": developer.accountKey }]) {
      const answer = await send(server.url, { path, headers });
      expect([path, answer.status]).toEqual([path, expect.toSatisfy((status) => status < 500)]);
      expect(answer.body).not.toMatch(/root:|masterKey|"keys":/);
    }
    await stillWorks();
  });

  test("an address may be 8 KB long; a longer line or 64 KB of headers are refused", async () => {
    const long = await fetch(developer.functionUrl(project, "echo", `/hello?q=${"x".repeat(8 * KIBIBYTE)}`));
    expect(long.status).toBe(200);
    const tooLong = [
      `GET /f/gateway/echo/${"x".repeat(64 * KIBIBYTE)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      `GET /f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\nx-big: ${"x".repeat(64 * KIBIBYTE)}\r\n\r\n`,
      `GET /f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\n${"x-many: yyyyyyyyyyyyyyyyyyyy\r\n".repeat(3_000)}\r\n`,
    ];
    for (const bytes of tooLong) {
      // Where the refusal comes while the request is still being sent, the connection may end before it can be read.
      expect(await exchangeBytes(server.port, bytes)).toMatch(/^(HTTP\/1\.1 431 |$)/);
    }
    await stillWorks();
  });
});

describe("bytes that are no HTTP, or two kinds of it at once", () => {
  const target = (): string => `/f/${project.slug}/echo/hello`;
  const smuggled = (): string => `GET /f/${project.slug}/echo/environment HTTP/1.1\r\nhost: x\r\n\r\n`;

  test("a body with two lengths is refused whole: nothing in it is read as a request", async () => {
    const heads = [
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ncontent-length: 5, 6\r\n\r\nhello`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: identity, chunked\r\ncontent-length: 0\r\n\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding : chunked\r\ncontent-length: 0\r\n\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\ncontent-length: 0\r\n\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding:\vchunked\r\ncontent-length: 0\r\n\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n`,
      `POST ${target()} HTTP/1.1\r\nhost: x\r\ncontent-length: 1e3\r\n\r\n`,
      `GET ${target()} HTTP/1.1\nhost: x\ntransfer-encoding: chunked\ncontent-length: 3\n\n`,
    ];
    for (const head of heads) {
      const received = await exchangeBytes(server.port, `${head}${smuggled()}`, undefined, 1_000);
      const statuses = statusesOf(received);
      expect([head, statuses.length]).toEqual([head, expect.toSatisfy((count) => count <= 1)]);
      expect([head, received]).toEqual([head, expect.not.stringContaining("AEROSTACK_PROJECT_ID")]);
      for (const status of statuses) expect(status).toBeLessThan(500);
    }
    await stillWorks();
  });

  test("malformed requests are refused without a 500", async () => {
    const requests = [
      "GET / HTTP/1.1\r\n\r\n",
      "GET /\u0000 HTTP/1.1\r\nhost: x\r\n\r\n",
      "GET /f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\nx-nul: a\u0000b\r\n\r\n",
      "GET /f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\nx-cr: a\rb\r\n\r\n",
      "GET /f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\n folded: a\r\n\r\n",
      "GET /f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
      "GET /f/gateway/echo/hello HTTP/9.9\r\nhost: x\r\n\r\n",
      "GET http://evil.example/f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
      "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
      "CONNECT 127.0.0.1:22 HTTP/1.1\r\nhost: 127.0.0.1:22\r\n\r\n",
      "TRACE /f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
      "BREW /f/gateway/echo/hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
      "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
      "\r\n\r\n\r\n",
      "x".repeat(100_000),
    ];
    for (const bytes of requests) {
      const received = await exchangeBytes(server.port, Buffer.from(bytes, "latin1"), undefined, 500);
      for (const status of statusesOf(received)) {
        expect([bytes.slice(0, 60), status]).toEqual([
          bytes.slice(0, 60),
          expect.toSatisfy((code) => code < 500 || code === 501 || code === 505),
        ]);
      }
    }
    await stillWorks();
  });

  test("hosts that are none lead nowhere", async () => {
    const hosts = [
      "..localhost",
      ".gateway.localhost",
      "echo..localhost",
      "a.b.c.localhost",
      "echo.gateway.localhost.",
      "ECHO.GATEWAY.LOCALHOST",
      "[::1",
      "echo.gateway.localhost@evil",
      "",
      "echo.gateway.localhost/x",
      "xn--.localhost",
      `${"a".repeat(5_000)}.localhost`,
    ];
    for (const host of hosts) {
      const answer = await send(server.url, { path: "/hello", headers: { host } });
      expect([host.slice(0, 50), answer.status]).toEqual([
        host.slice(0, 50),
        expect.toSatisfy((status) => status < 500),
      ]);
    }
    await stillWorks();
  });

  test("clients that stop half-way, in great number, cost nothing that lasts", async () => {
    const half = `POST ${target()} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\nhalf`;
    await Promise.all(Array.from({ length: 200 }, () => exchangeBytes(server.port, half, undefined, 300)));
    await stillWorks();
  });
});

describe("bodies of the management API", () => {
  const BODIES = [
    "",
    "null",
    "[]",
    '"text"',
    "{",
    '{"name": "\\ud800"}',
    '{"name": "a\\u0000b"}',
    '{"__proto__": {"isAdmin": true}, "name": "x"}',
    '{"constructor": {"prototype": {"polluted": true}}, "name": "xx"}',
    `{"name": ${"[".repeat(50_000)}${"]".repeat(50_000)}}`,
    `{"name": "${"x".repeat(500_000)}"}`,
    '{"name": 1e999}',
    '{"name": ["a"]}',
    '{"name": {"$ne": null}}',
    '{"name": "x", "name": "y", "kind": "root"}',
    "\ufeff{}",
    "\u0000",
    "name=x&kind=secret",
  ];
  test.each(BODIES)("%s", async (body) => {
    const addresses = [
      "/api/auth/register",
      "/api/auth/login",
      "/api/v1/cli/projects",
      "/api/v1/projects/gateway/keys",
      "/api/v1/projects/gateway/db/query",
      "/api/v1/projects/gateway/db/batch",
      "/api/v1/projects/gateway/functions/echo/rollback",
      "/api/v1/projects/gateway/queues/default/messages",
      "/v1/db/query",
    ];
    for (const path of addresses) {
      for (const type of ["application/json", "text/plain", "application/x-www-form-urlencoded"]) {
        const answer = await send(server.url, {
          path,
          method: "POST",
          headers: { "content-type": type, "x-api-key": developer.accountKey },
          body,
        });
        expect([path, type, answer.status, answer.body.slice(0, 200)]).toEqual([
          path,
          type,
          expect.toSatisfy((status) => status < 500),
          expect.any(String),
        ]);
      }
    }
    await stillWorks();
  });
});
