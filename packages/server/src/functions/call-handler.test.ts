import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AerostackError } from "@aerostack/contracts";
import { systemClock } from "@aerostack/kernel";
import { createFunctionPool, type FunctionPool, type Runtime } from "@aerostack/runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerError, createGatewayListener } from "../edge/gateway-listener.ts";
import { createRateWindow } from "../kernel/limiter/rate-window.ts";
import type { Principal } from "../keys/principal.ts";
import type { NewLogEntry } from "../logs/log-entry.ts";
import { createCallHandler } from "./call-handler.ts";
import type { FunctionRoute, RoutedProject } from "./route-table.ts";

const MAX_BODY_BYTES = 1000;
const secretKey: Principal = {
  kind: "project",
  projectId: "prj_1",
  projectSlug: "shop",
  ownerId: "usr_1",
  access: "secret",
  via: "key",
  credentialId: "key_1",
};

function functionRoute(name: string, isPublic: boolean): FunctionRoute {
  return {
    projectId: "prj_1",
    projectSlug: "shop",
    functionName: name,
    environment: "production",
    isPublic,
    variants: [{ key: `${name}@production@1`, versionNumber: 1, percent: 100, active: {} as never, site: null }],
  };
}

const project: RoutedProject = {
  id: "prj_1",
  slug: "shop",
  ownerId: "usr_1",
  organisationId: "org_1",
  functions: new Map([
    ["api", functionRoute("api", false)],
    ["site", functionRoute("site", true)],
  ]),
};

type Handler = (req: IncomingMessage, res: ServerResponse) => void;

let folder: string;
let upstream: Server;
let gateway: Server;
let pool: FunctionPool;
let onCall: Handler;
let lines: NewLogEntry[];
let flights: number;
let waiters: (() => void)[];
let explanations: AerostackError[];

async function listen(server: Server, where: string | number): Promise<void> {
  await new Promise<void>((resolve) => server.listen(where, () => resolve()));
}

/** Resolves when the gateway has logged that many lines. */
async function logged(count: number): Promise<NewLogEntry[]> {
  while (lines.length < count) await new Promise<void>((resolve) => waiters.push(resolve));
  return lines;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "aerostack-call-"));
  lines = [];
  waiters = [];
  flights = 0;
  explanations = [];
  const socketPath = join(folder, "fn.sock");
  upstream = createServer((req, res) => onCall(req, res));
  await listen(upstream, socketPath);
  pool = createFunctionPool({ socketPath, maxConnections: 100, keepAliveMs: 3000 });
  const route = {
    functionKey: "api@production@1",
    pool,
    socketPath,
    begin: () => {
      flights++;
      return {
        end: () => void flights--,
        explain: async () => explanations.shift() ?? new AerostackError("FUNCTION_CRASHED"),
      };
    },
  };
  const window = createRateWindow({ clock: systemClock, windowMs: 60_000 });
  const calls = createCallHandler({
    clock: systemClock,
    random: Math.random,
    routes: { project: (ref) => (ref === "shop" || ref === "prj_1" ? project : null), invalidate: () => {} },
    runtime: { route: () => route } as unknown as Runtime,
    resolveFunction: () => null,
    resolveKey: (key) =>
      key === "sk_good" ? secretKey : key === "sk_other" ? { ...secretKey, projectId: "prj_2" } : null,
    limits: { wallTimeMs: 1000, streamIdleMs: 5000, maxBodyBytes: MAX_BODY_BYTES },
    countCall: (_project, key) => window.hit(key === null ? "anonymous" : "keyed", key === null ? 3 : 1000),
    dispatchToken: () => "token",
    platformUrl: "http://127.0.0.1:1",
    whenBindingsAnswer: async () => {},
    log(entry) {
      lines.push(entry);
      for (const wake of waiters.splice(0)) wake();
    },
    answerError,
  });
  const listener = createGatewayListener({
    domains: { route: () => null },
    countryHeader: undefined,
    functionsDomain: "localhost",
    calls,
    handleUpgrade: (_req, socket) => void socket.destroy(),
    handleStorage: () => false,
    handleDataPlane: () => false,
    handleRealtime: () => false,
    clientAddress: ({ remoteAddress }) => remoteAddress ?? "",
    isTrustedProxy: () => false,
    countryOf: () => null,
    resolveFunction: () => null,
    resolvePrincipal: (key) => (key === "sk_good" ? secretKey : null),
  });
  gateway = createServer((req, res) => {
    if (!listener.onRequest(req, res)) res.writeHead(418).end();
  });
  await listen(gateway, 0);
});

afterEach(async () => {
  pool.destroy(new Error("the test is over"));
  gateway.closeAllConnections();
  gateway.close();
  upstream.closeAllConnections();
  upstream.close();
  rmSync(folder, { recursive: true, force: true });
});

function urlOf(path: string): string {
  return `http://127.0.0.1:${(gateway.address() as AddressInfo).port}${path}`;
}

const echoHeaders: Handler = (req, res) => {
  res.setHeader("content-type", "application/json");
  res.end(JSON.stringify({ url: req.url, method: req.method, headers: req.headers }));
};

interface Echo {
  url: string;
  headers: Record<string, string>;
}

describe("a call to a function", () => {
  it("reaches it without the caller's credential and without forged platform headers", async () => {
    onCall = echoHeaders;
    const answer = await fetch(urlOf("/f/shop/api/items?page=2&apiKey=sk_good"), {
      headers: {
        "x-as-project-id": "prj_evil",
        "cf-connecting-ip": "6.6.6.6",
        "x-forwarded-for": "6.6.6.6",
        "x-own": "kept",
      },
    });
    const seen = (await answer.json()) as Echo;
    expect(seen.url).toBe("/items?page=2");
    expect(seen.headers).toMatchObject({
      "x-own": "kept",
      "x-as-project-id": "prj_1",
      "x-as-dispatch-token": "token",
      "x-forwarded-prefix": "/f/shop/api",
      "x-request-id": answer.headers.get("x-request-id"),
    });
    expect(JSON.stringify(seen)).not.toContain("6.6.6.6");
    expect(JSON.stringify(seen)).not.toContain("sk_good");
    expect(answer.headers.get("x-ratelimit-limit")).toBe("1000");
    const [line] = await logged(1);
    expect(line).toMatchObject({
      status: 200,
      path: "/items?page=2",
      keyId: "key_1",
    });
    expect(flights).toBe(0);
  });

  it.each(["x-aerostack-key", "x-api-key"])("takes the key from %s and keeps it from the function", async (name) => {
    onCall = echoHeaders;
    const answer = await fetch(urlOf("/f/shop/api"), { headers: { [name]: "sk_good" } });
    expect(await answer.text()).not.toContain("sk_good");
  });

  it("takes a bearer key, and leaves a public function's own bearer token alone", async () => {
    onCall = echoHeaders;
    const own = await fetch(urlOf("/f/shop/site"), { headers: { authorization: "Bearer my-own-jwt" } });
    expect(((await own.json()) as Echo).headers.authorization).toBe("Bearer my-own-jwt");
    const platform = await fetch(urlOf("/f/shop/api"), { headers: { authorization: "Bearer sk_good" } });
    expect(platform.status).toBe(200);
    expect(await platform.text()).not.toContain("sk_good");
  });

  it.each([
    ["no key", {}],
    ["an unknown key", { "x-api-key": "sk_bad" }],
    ["another project's key", { "x-api-key": "sk_other" }],
  ])("refuses a private function to %s", async (_name, headers) => {
    onCall = () => {
      throw new Error("the function was called");
    };
    const answer = await fetch(urlOf("/f/shop/api"), { headers: headers as Record<string, string> });
    expect(answer.status).toBe(401);
    expect(((await answer.json()) as { error: { code: string } }).error.code).toBe("AUTH_INVALID_KEY");
    expect((await logged(1))[0]).toMatchObject({ status: 401, keyId: null });
  });

  it("answers the same for a project and a function that do not exist", async () => {
    const answers = await Promise.all(["/f/nobody/api", "/f/shop/nothing"].map((path) => fetch(urlOf(path))));
    expect(answers.map((answer) => answer.status)).toEqual([404, 404]);
  });

  it("limits anonymous callers and says when they may come back", async () => {
    onCall = (_req, res) => res.end("ok");
    const answers = [];
    for (let i = 0; i < 4; i++) answers.push(await fetch(urlOf("/f/shop/site")));
    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 429]);
    expect(Number(answers[3]?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(answers[3]?.headers.get("x-ratelimit-remaining")).toBe("0");
  });

  it("refuses a body over the limit, announced or not", async () => {
    onCall = (req, res) => {
      req.resume();
      req.on("end", () => res.end("ok"));
    };
    const headers = { "x-api-key": "sk_good" };
    const announced = await fetch(urlOf("/f/shop/api"), {
      method: "POST",
      headers,
      body: "x".repeat(MAX_BODY_BYTES + 1),
    });
    const chunks = ReadableStream.from(
      ["x".repeat(600), "x".repeat(600)].map((text) => new TextEncoder().encode(text)),
    );
    const streamed = await fetch(urlOf("/f/shop/api"), { method: "POST", headers, body: chunks, duplex: "half" });
    const allowed = await fetch(urlOf("/f/shop/api"), { method: "POST", headers, body: "x".repeat(MAX_BODY_BYTES) });
    expect([announced.status, streamed.status, allowed.status]).toEqual([413, 413, 200]);
  });

  it("streams an answer as it is made, and a body as it arrives", async () => {
    onCall = (req, res) => {
      req.pipe(res);
    };
    const echoed = await new Promise<string[]>((resolve, reject) => {
      const seen: string[] = [];
      const call = request(urlOf("/f/shop/api"), { method: "POST", headers: { "x-api-key": "sk_good" } }, (answer) => {
        answer.on("data", (chunk: Buffer) => {
          seen.push(chunk.toString());
          // The second half is sent only after the first has come back.
          if (seen.join("") === "one") call.end("two");
          else if (seen.join("") === "onetwo") resolve(seen);
        });
      });
      call.on("error", reject);
      call.write("one");
    });
    expect(echoed.join("")).toBe("onetwo");
  });

  it("answers 504 when the function stays silent, and ends its request", async () => {
    const closed = new Promise<void>((resolve) => {
      onCall = (req) => void req.on("close", () => resolve());
    });
    const answer = await fetch(urlOf("/f/shop/api"), { headers: { "x-api-key": "sk_good" } });
    expect(answer.status).toBe(504);
    expect(await answer.text()).toContain("FUNCTION_TIMEOUT");
    await closed;
  });

  it("ends the function's request when the client leaves, and logs it as 499", async () => {
    const abort = new AbortController();
    const closed = new Promise<void>((resolve) => {
      onCall = (req) => {
        req.on("close", () => resolve());
        abort.abort();
      };
    });
    await expect(
      fetch(urlOf("/f/shop/api"), { headers: { "x-api-key": "sk_good" }, signal: abort.signal }),
    ).rejects.toThrow();
    await closed;
    expect((await logged(1))[0]?.status).toBe(499);
    expect(flights).toBe(0);
  });

  it("repeats a read that another request's crash broke, and says why a write failed", async () => {
    let calls = 0;
    onCall = (req, res) => {
      calls++;
      if (calls === 1 || req.method === "POST") req.socket.destroy();
      else res.end("second try");
    };
    explanations = [
      new AerostackError("FUNCTION_CRASHED", { details: { retryable: true } }),
      new AerostackError("FUNCTION_MEMORY_LIMIT", { details: { retryable: true } }),
    ];
    const headers = { "x-api-key": "sk_good" };
    const read = await fetch(urlOf("/f/shop/api"), { headers });
    expect([read.status, await read.text()]).toEqual([200, "second try"]);
    const write = await fetch(urlOf("/f/shop/api"), { method: "POST", headers, body: "x" });
    expect(write.status).toBe(503);
    expect(await write.text()).toContain("FUNCTION_MEMORY_LIMIT");
  });

  it("answers HEAD without a body and passes 304 and ranges through", async () => {
    onCall = (req, res) => {
      if (req.headers["if-none-match"] !== undefined) res.writeHead(304).end();
      else res.writeHead(206, { "content-range": "bytes 0-3/10", "content-length": 4 }).end("abcd");
    };
    const headers = { "x-api-key": "sk_good" };
    const head = await fetch(urlOf("/f/shop/api"), { method: "HEAD", headers });
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([206, "4", ""]);
    const partial = await fetch(urlOf("/f/shop/api"), { headers });
    expect([partial.status, partial.headers.get("content-range"), await partial.text()]).toEqual([
      206,
      "bytes 0-3/10",
      "abcd",
    ]);
    const unchanged = await fetch(urlOf("/f/shop/api"), { headers: { ...headers, "if-none-match": '"x"' } });
    expect(unchanged.status).toBe(304);
  });

  it("serves /v1/custom/<function> of the key's project", async () => {
    onCall = echoHeaders;
    const answer = await fetch(urlOf("/v1/custom/api/deep?x=1"), { headers: { "x-aerostack-key": "sk_good" } });
    expect(((await answer.json()) as Echo).url).toBe("/deep?x=1");
    expect((await fetch(urlOf("/v1/custom/api"))).status).toBe(401);
  });
});
