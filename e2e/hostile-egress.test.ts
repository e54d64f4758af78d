import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { expectWithin } from "./harness/expect-within.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Functions may not reach the machine they run on or the networks around it, however the address is written.

/** Long enough that all requests of a burst are open together. */
const SLOW_ANSWER_MS = 500;

interface FetchResult {
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
}

let server: ServerProcess;
let developer: Developer;
let project: Project;
/** A service of the machine that no function may reach; counts who came. */
let canary: Server;
let canaryPort: number;
let visits = 0;
/** An allowed address that sends its visitors to wherever they ask. */
let redirector: Server;
let redirectorPort: number;

async function listen(handler: Parameters<typeof createServer>[1]): Promise<[Server, number]> {
  const created = createServer(handler);
  await new Promise<void>((resolve) => created.listen(0, resolve));
  return [created, (created.address() as AddressInfo).port];
}

async function attack(name: string, parameters: Record<string, string>): Promise<FetchResult> {
  const answer = await fetch(developer.functionUrl(project, "hostile", `/${name}?${new URLSearchParams(parameters)}`));
  const text = await answer.text();
  expect([answer.status, text]).toEqual([200, expect.stringMatching(/^\{/)]);
  return JSON.parse(text) as FetchResult;
}

function expectRefused(target: string, result: FetchResult): void {
  expect([target, result.body ?? result.error]).toEqual([target, expect.not.stringContaining("canary")]);
  // 502: this machine's resolver does not know the name at all.
  if (result.error === undefined) expect([403, 502], target).toContain(result.status);
  expect([target, visits]).toEqual([target, 0]);
}

beforeAll(async () => {
  [canary, canaryPort] = await listen((_req, res) => {
    visits++;
    res.end("the canary sang");
  });
  canary.on("upgrade", (_req, socket) => {
    visits++;
    socket.destroy();
  });
  [redirector, redirectorPort] = await listen((req, res) => {
    const target = new URL(req.url ?? "/", "http://redirector").searchParams.get("to");
    if (req.url === "/slow") setTimeout(() => res.end("slow"), SLOW_ANSWER_MS);
    else if (target === null) res.end("allowed");
    else res.writeHead(302, { location: target }).end();
  });
  server = await startServer({ env: { ...UNLIMITED, AEROSTACK_EGRESS_ALLOW: `127.0.0.1:${redirectorPort}` } });
  developer = await createDeveloper(server);
  project = await developer.createProject("egress");
  await developer.deploy(project, { name: "hostile", worker: await fixtureWorker("hostile"), isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
  canary?.close();
  redirector?.close();
});

test("the canary answers its own machine, so that a function's failure means something", async () => {
  expect(await (await fetch(`http://127.0.0.1:${canaryPort}/`)).text()).toContain("canary");
  visits = 0;
});

describe("fetch", () => {
  const LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.000.000.001",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "017700000001",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "foo.localhost",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "%31%32%37.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
  ];
  test.each(LOOPBACK)("loopback as %s is refused", async (host) => {
    const target = `http://${host}:${canaryPort}/`;
    expectRefused(target, await attack("fetch", { url: target }));
    const withUser = `http://user:pass@${host}:${canaryPort}/`;
    expectRefused(withUser, await attack("fetch", { url: withUser }));
  });

  const OTHERS = [
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://168.63.129.16/metadata",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[ff02::1]/",
    "https://127.0.0.1/",
    "https://[::1]/",
    "http://127.0.0.1:22/",
  ];
  test.each(OTHERS)("%s is refused", async (target) => {
    const startedAt = performance.now();
    expectRefused(target, await attack("fetch", { url: target }));
    // Refused by rule, not by waiting for nobody to answer.
    expectWithin(performance.now() - startedAt, 3_000);
  });

  test("names that resolve to a private address are refused", async () => {
    const hosts = await readFile("/etc/hosts", "utf8");
    const names = hosts
      .split("\n")
      .map((line) => line.replace(/#.*/, "").trim().split(/\s+/))
      .flatMap(([, ...aliases]) => aliases);
    for (const name of new Set([...names, hostname()])) {
      const target = `http://${name}:${canaryPort}/`;
      expectRefused(target, await attack("fetch", { url: target }));
    }
  });

  test("other schemes lead nowhere", async () => {
    const targets = [
      "file:///etc/passwd",
      "ftp://127.0.0.1/",
      "unix:/run/host.sock",
      "gopher://127.0.0.1:70/",
      "http://unix:/run/x",
    ];
    for (const target of targets) {
      const { status, error, body } = await attack("fetch", { url: target });
      expect([target, body ?? ""]).toEqual([target, expect.not.stringContaining("root:")]);
      expect([target, error !== undefined || (status ?? 0) >= 400]).toEqual([target, true]);
    }
  });

  test("a redirect to a forbidden address is refused at the hop, an allowed address is not", async () => {
    const allowed = `http://127.0.0.1:${redirectorPort}/`;
    expect(await attack("fetch", { url: allowed })).toMatchObject({ status: 200, body: "allowed" });
    for (const to of [`http://127.0.0.1:${canaryPort}/`, `http://localhost:${canaryPort}/`, `//[::1]:${canaryPort}/`]) {
      const target = `${allowed}?to=${encodeURIComponent(to)}`;
      expectRefused(target, await attack("fetch", { url: target }));
    }
    // The allowance is for that very address and port, not for other names of it.
    for (const host of ["localhost", "[::1]", "[::ffff:127.0.0.1]", "127.0.0.2"]) {
      const other = `http://${host}:${redirectorPort}/`;
      const result = await attack("fetch", { url: other });
      expect([other, result.body ?? ""]).toEqual([other, expect.not.stringMatching(/^allowed/)]);
    }
  });

  test("a WebSocket to a forbidden address is refused", async () => {
    const target = `http://127.0.0.1:${canaryPort}/`;
    const result = await attack("fetch-websocket", { url: target });
    expect(visits).toBe(0);
    expect(result).not.toMatchObject({ accepted: true });
  });

  test("the platform's own API is within reach, as it must be", async () => {
    const answer = await fetch(developer.functionUrl(project, "hostile", "/own-address?path=/healthz"));
    expect(answer.status).toBe(200);
  });

  test("the attempt is in the project's log", async () => {
    await attack("fetch", { url: "http://169.254.169.254/logged" });
    const { logs } = await developer.call<{ logs: { message: string }[] }>(
      "GET",
      `/api/v1/projects/${project.id}/logs?text=EGRESS_BLOCKED`,
    );
    expect(logs.map((line) => line.message).join("\n")).toContain("169.254.169.254");
  });
});

test("TCP sockets from cloudflare:sockets are refused to the same addresses", async () => {
  for (const address of [
    `127.0.0.1:${canaryPort}`,
    `localhost:${canaryPort}`,
    `[::1]:${canaryPort}`,
    "169.254.169.254:80",
  ]) {
    const result = (await attack("connect", { address })) as { received?: string; error?: string };
    expect([address, visits]).toEqual([address, 0]);
    expect([address, result.received ?? ""]).toEqual([address, expect.not.stringContaining("canary")]);
  }
});

test("more outgoing requests at once than a project may have are refused, not queued without end", async () => {
  const counts = (await attack("many-fetches", { url: `http://127.0.0.1:${redirectorPort}/slow` })) as Record<
    string,
    number
  >;
  console.info(`200 outgoing requests at once: ${JSON.stringify(counts)}`);
  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(200);
  // workerd itself lets six connections of one request wait for headers at a time, so that none need be refused.
  expect(counts["200"] ?? 0).toBeGreaterThanOrEqual(50);
});
