import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { call, createRuntimeFixture, type RuntimeFixture } from "../runtime-fixture.ts";
import type { ResolvedAddress } from "../types.ts";

const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const CLOSE_FRAME = 8;
const FETCHER = `
  import { connect } from "cloudflare:sockets";
  export default { async fetch(req) {
    const { url, init, many, tcp, websocket } = await req.json();
    const shape = async (res) => ({ status: res.status, url: res.url, headers: [...res.headers], text: await res.text() });
    try {
      if (tcp) { const socket = connect(tcp); await socket.opened; return Response.json({ opened: true }); }
      if (websocket) {
        const { webSocket, status } = await fetch(websocket, { headers: { upgrade: "websocket" } });
        if (!webSocket) return Response.json({ status });
        webSocket.accept();
        const echoed = new Promise((resolve) => webSocket.addEventListener("message", ({ data }) => resolve(data)));
        webSocket.send("over the wire");
        const data = await echoed;
        webSocket.close();
        return Response.json({ data });
      }
      if (many) return Response.json(await Promise.all(Array.from({ length: many }, async () => (await fetch(url)).status)));
      return Response.json(await shape(await fetch(url, init)));
    } catch (error) { return Response.json({ error: error.message }); }
  } };`;

/** What names resolve to in these tests, by name. */
const names = new Map<string, readonly ResolvedAddress[]>();
let fixture: RuntimeFixture;
let server: Server;
let port: number;
/** Requests that the server holds until the test lets them go. */
let held: (() => void)[] = [];
let hits: IncomingMessage[] = [];

async function fetched(request: object): Promise<{ status?: number; text: string; [name: string]: unknown }> {
  const { text } = await call(fixture, "api@production@1", "/", { method: "POST", body: JSON.stringify(request) });
  return JSON.parse(text);
}

function serve(req: IncomingMessage, res: import("node:http").ServerResponse): void {
  hits.push(req);
  const url = new URL(req.url ?? "/", "http://x");
  if (url.pathname === "/redirect") res.writeHead(302, { location: url.searchParams.get("to") ?? "" }).end();
  else if (url.pathname === "/hold") held.push(() => res.end("released"));
  else if (url.pathname === "/cookies")
    res
      .writeHead(
        200,
        [
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
        ].flat(),
      )
      .end();
  else req.pipe(res.writeHead(200, { "x-method": req.method ?? "" }));
}

function acceptSocket(req: IncomingMessage, socket: Duplex): void {
  const accept = createHash("sha1").update(`${req.headers["sec-websocket-key"]}${WEBSOCKET_GUID}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  socket.on("error", () => {});
  // Sends every frame back, unmasked: enough of RFC 6455 for short texts.
  socket.on("data", (frame: Buffer) => {
    const length = (frame[1] ?? 0) & 0x7f;
    const payload = Buffer.from(frame.subarray(6, 6 + length).map((byte, i) => byte ^ (frame[2 + (i % 4)] ?? 0)));
    socket.write(Buffer.concat([Buffer.from([frame[0] ?? 0, length]), payload]));
    if (((frame[0] ?? 0) & 0x0f) === CLOSE_FRAME) socket.end();
  });
}

beforeAll(async () => {
  server = createServer(serve).on("upgrade", acceptSocket);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
  fixture = await createRuntimeFixture({
    platformOrigin: "http://127.0.0.1:8787",
    egressAllow: [`allowed.test:${port}`, `*.apps.test:${port}`],
    egressLookup: async (hostname) => names.get(hostname) ?? [],
    limits: { egressConcurrency: 4 },
  });
  await fixture.runtime.configure(fixture.project([fixture.fn("api", FETCHER)]));
});
beforeEach(async () => {
  // Whatever a test before had under way gives its place back.
  while (fixture.runtime.stats().egressInFlight > 0) await new Promise((resolve) => setImmediate(resolve));
  held = [];
  hits = [];
  fixture.events.length = 0;
  names.clear();
  names.set("allowed.test", [{ address: "127.0.0.1", family: 4 }]);
});
afterAll(async () => {
  await fixture.close();
  server.closeAllConnections();
  server.close();
});

describe("refusals", () => {
  it.each([
    ["loopback", "http://127.0.0.1:PORT/"],
    ["another port of the platform's host", "http://127.0.0.1:9/"],
    ["decimal", "http://2130706433:PORT/"],
    ["hexadecimal", "http://0x7f000001:PORT/"],
    ["octal", "http://0177.0.0.1:PORT/"],
    ["short form", "http://127.1:PORT/"],
    ["all interfaces", "http://0.0.0.0:PORT/"],
    ["zero", "http://0:PORT/"],
    ["private", "http://10.0.0.1/"],
    ["carrier-grade NAT", "http://100.64.0.1/"],
    ["metadata", "http://169.254.169.254/latest/meta-data/"],
    ["metadata over IPv6", "http://[fd00:ec2::254]/latest/meta-data/"],
    ["IPv6 loopback", "http://[::1]:PORT/"],
    ["IPv4-mapped", "http://[::ffff:127.0.0.1]:PORT/"],
    ["IPv4-mapped in hexadecimal", "http://[::ffff:7f00:1]:PORT/"],
    ["IPv4-compatible", "http://[::127.0.0.1]:PORT/"],
    ["NAT64", "http://[64:ff9b::7f00:1]:PORT/"],
    ["6to4", "http://[2002:7f00:1::]:PORT/"],
    ["unique local", "http://[fd12:3456::1]/"],
    ["link-local IPv6", "http://[fe80::1]/"],
    ["full-width digits", "http://１２７.０.０.１:PORT/"],
  ])("answers 403 to %s", async (_name, template) => {
    const url = template.replace("PORT", String(port));
    const { status, text } = await fetched({ url });
    expect({ status, code: JSON.parse(text).error.code }).toEqual({ status: 403, code: "EGRESS_BLOCKED" });
    expect(hits).toEqual([]);
    const blocked = fixture.events.filter((event) => event.type === "egress.blocked");
    expect(blocked).toEqual([expect.objectContaining({ projectId: "prj_test" })]);
  });

  it.each([
    ["loopback", [{ address: "127.0.0.1", family: 4 }]],
    ["IPv6 loopback", [{ address: "::1", family: 6 }]],
    ["mapped loopback", [{ address: "::ffff:127.0.0.1", family: 6 }]],
    [
      "only private ones of several",
      [
        { address: "10.0.0.1", family: 4 },
        { address: "fd00::1", family: 6 },
      ],
    ],
  ])("answers 403 to a name that resolves to %s", async (_name, addresses) => {
    names.set("innocent.test", addresses);
    const { status, text } = await fetched({ url: `http://innocent.test:${port}/` });
    expect({ status, code: JSON.parse(text).error.code }).toEqual({ status: 403, code: "EGRESS_BLOCKED" });
    expect(hits).toEqual([]);
  });

  it("checks a name again for every connection, so that one that changes its address gains nothing", async () => {
    names.set("rebinding.apps.test", [{ address: "127.0.0.1", family: 4 }]);
    names.set("rebinding.test", [{ address: "127.0.0.1", family: 4 }]);
    expect((await fetched({ url: `http://rebinding.apps.test:${port}/` })).status).toBe(200);
    expect((await fetched({ url: `http://rebinding.test:${port}/` })).status).toBe(403);
  });

  it.each(["http://127.0.0.1:PORT/", "http://169.254.169.254/", "http://innocent.test:PORT/"])(
    "refuses to follow a redirect to %s",
    async (template) => {
      names.set("innocent.test", [{ address: "127.0.0.1", family: 4 }]);
      const to = encodeURIComponent(template.replace("PORT", String(port)));
      const { status, text } = await fetched({ url: `http://allowed.test:${port}/redirect?to=${to}` });
      expect({ status, code: JSON.parse(text).error.code }).toEqual({ status: 403, code: "EGRESS_BLOCKED" });
      expect(hits).toHaveLength(1);
    },
  );

  it.each(["127.0.0.1:PORT", "localhost:PORT", "allowed.test:PORT", "1.1.1.1:53"])(
    "lets no raw TCP out to %s",
    async (template) => {
      const { error, opened } = await fetched({ tcp: template.replace("PORT", String(port)) });
      expect(opened).toBeUndefined();
      expect(error).toMatch(/proxy request failed/);
    },
  );

  it("refuses WebSockets to private addresses too", async () => {
    expect(await fetched({ websocket: `http://127.0.0.1:${port}/` })).toEqual({ status: 403 });
    names.set("innocent.test", [{ address: "127.0.0.1", family: 4 }]);
    expect(await fetched({ websocket: `http://innocent.test:${port}/` })).toEqual({ status: 403 });
    expect(hits).toEqual([]);
  });

  it("says that a host cannot be reached, without naming its address", async () => {
    const { status, text } = await fetched({ url: "http://nowhere.test/" });
    expect(status).toBe(502);
    expect(JSON.parse(text).error).toMatchObject({
      code: "EGRESS_FAILED",
      message: "'nowhere.test' could not be reached (ENOTFOUND).",
    });
  });
});

describe("what passes", () => {
  it("forwards method, headers and body both ways, with the Host of the address", async () => {
    const answer = await fetched({
      url: `http://allowed.test:${port}/echo?a=1`,
      init: {
        method: "PUT",
        headers: { "x-custom": "v", host: "evil.test", "x-aero-token": "forged" },
        body: "payload",
      },
    });
    expect(answer).toMatchObject({ status: 200, text: "payload" });
    expect(answer.headers).toContainEqual(["x-method", "PUT"]);
    expect(hits[0]?.url).toBe("/echo?a=1");
    expect(hits[0]?.headers).toMatchObject({ host: `allowed.test:${port}`, "x-custom": "v" });
    expect(hits[0]?.headers).not.toHaveProperty("x-aero-token");
    expect(hits[0]?.headers).not.toHaveProperty("x-aero-binding");
  });

  it("keeps repeated headers apart, and leaves redirects to the function that wants them so", async () => {
    const cookies = await fetched({ url: `http://allowed.test:${port}/cookies` });
    expect(cookies.headers).toEqual(
      expect.arrayContaining([
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ]),
    );
    const manual = await fetched({
      url: `http://allowed.test:${port}/redirect?to=http://127.0.0.1/`,
      init: { redirect: "manual" },
    });
    expect(manual.status).toBe(302);
  });

  it("connects WebSockets", async () => {
    expect(await fetched({ websocket: `http://allowed.test:${port}/` })).toEqual({ data: "over the wire" });
  });

  it("allows a project so many requests at once and answers 429 to more, until bodies have ended", async () => {
    const url = `http://allowed.test:${port}/hold`;
    const statuses = fetched({ url, many: 6 });
    const limited = () => fixture.events.filter((event) => event.type === "egress.limited").length;
    await fixture.event(() => limited() === 2);
    while (held.length < 4) await new Promise((resolve) => setImmediate(resolve));
    expect(fixture.runtime.stats().egressInFlight).toBe(4);
    for (const release of held) release();
    expect((await statuses).toString().split(",").sort()).toEqual(["200", "200", "200", "200", "429", "429"]);
    while (fixture.runtime.stats().egressInFlight > 0) await new Promise((resolve) => setImmediate(resolve));
    expect((await fetched({ url: `http://allowed.test:${port}/` })).status).toBe(200);
  });
});
