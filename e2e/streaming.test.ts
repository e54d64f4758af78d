import { createHash, randomBytes } from "node:crypto";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { peakGrowthBytes } from "./harness/process-tree.ts";
import { exchangeBytes, send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";
import { eventData } from "./harness/server-sent-events.ts";

const MEBIBYTE = 1024 * 1024;
const LARGE_BYTES = 50 * MEBIBYTE;
/** What the server may grow by while a body of 50 MB passes; holding it would cost all of that. */
const MAX_GROWTH_BYTES = 30 * MEBIBYTE;

let server: ServerProcess;
let developer: Developer;
let project: Project;
const url = (path: string): string => developer.functionUrl(project, "streams", path);

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("streams");
  await developer.deploy(project, { name: "streams", worker: await fixtureWorker("streams"), isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
});

/** A POST whose body is written by the test while it reads the answer. */
async function openDuplex(target: string): Promise<{ req: ClientRequest; res: Promise<IncomingMessage> }> {
  const req = request(target, { method: "POST", headers: { "transfer-encoding": "chunked" }, agent: false });
  const res = new Promise<IncomingMessage>((resolve, reject) => {
    req.once("response", resolve);
    req.once("error", reject);
  });
  return { req, res };
}

describe("streams", () => {
  test("a function answers chunk by chunk while its caller is still sending", async () => {
    for (const path of ["/echo", "/upper"]) {
      const { req, res } = await openDuplex(url(path));
      req.write("first ");
      const answer = await res;
      const reader = answer[Symbol.asyncIterator]();
      const read = async (): Promise<string> => String((await reader.next()).value).toLowerCase();
      expect(await read()).toBe("first ");
      for (const word of ["second ", "third "]) {
        req.write(word);
        expect(await read()).toBe(word);
      }
      req.end("last");
      expect(await read()).toBe("last");
      expect((await reader.next()).done).toBe(true);
    }
  });

  test("server-sent events arrive one by one, before the function has the next", async () => {
    const gate = `gate-${Date.now()}`;
    const answer = await fetch(url(`/gated-events?gate=${gate}`));
    const events = eventData(answer.body);
    expect((await events.next()).value).toBe("first");
    await fetch(url(`/open-gate?gate=${gate}`));
    expect((await events.next()).value).toBe("second");
    expect((await events.next()).done).toBe(true);
    const five = await Array.fromAsync(eventData((await fetch(url("/events"))).body));
    expect(five).toEqual([0, 1, 2, 3, 4].map((index) => `{"index":${index}}`));
  });

  test("a caller that leaves ends the function's stream", async () => {
    const abort = new AbortController();
    const answer = await fetch(url("/download?mebibytes=1000"), { signal: abort.signal });
    const reader = answer.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    abort.abort();
    expect((await fetch(url("/"))).status).toBe(200);
  });
});

describe("large bodies", () => {
  test("50 MB go up and come down unharmed, and the server does not hold them", async () => {
    const content = randomBytes(LARGE_BYTES);
    const digest = createHash("sha256").update(content).digest("hex");
    const passThrice = async (): Promise<void> => {
      const counted = await fetch(url("/count"), { method: "POST", body: content });
      expect(await counted.json()).toMatchObject({ bytes: LARGE_BYTES });
      const echoed = await fetch(url("/echo"), { method: "POST", body: content });
      const hash = createHash("sha256");
      for await (const chunk of echoed.body ?? []) hash.update(chunk);
      expect(hash.digest("hex")).toBe(digest);
      let received = 0;
      for await (const chunk of (await fetch(url("/download?mebibytes=50"))).body ?? []) received += chunk.length;
      expect(received).toBe(LARGE_BYTES);
    };
    // The first pass also fills the pools of buffers that stay.
    await passThrice();
    const { growthBytes } = await peakGrowthBytes(server.pid, passThrice);
    console.info(`150 MB through the gateway: the server grew by ${(growthBytes / MEBIBYTE).toFixed(1)} MB at most`);
    expect(growthBytes).toBeLessThan(MAX_GROWTH_BYTES);
  });

  test("a slow reader holds the function back instead of filling the server", async () => {
    const { growthBytes } = await peakGrowthBytes(server.pid, async () => {
      const answer = await fetch(url("/download?mebibytes=300"));
      const reader = answer.body?.getReader();
      let received = 0;
      // Reads a little between other calls, so that the function could run far ahead.
      for (let step = 0; step < 20; step++) {
        received += (await reader?.read())?.value?.length ?? 0;
        await (await fetch(url("/"))).text();
      }
      expect(received).toBeGreaterThan(0);
      await reader?.cancel();
    });
    expect(growthBytes).toBeLessThan(MAX_GROWTH_BYTES);
  });

  test("50 MB go through R2 and back", async () => {
    const content = randomBytes(LARGE_BYTES);
    const stored = await fetch(url("/object"), { method: "PUT", body: content });
    expect(await stored.json()).toMatchObject({ size: LARGE_BYTES });
    const hash = createHash("sha256");
    for await (const chunk of (await fetch(url("/object"))).body ?? []) hash.update(chunk);
    expect(hash.digest("hex")).toBe(createHash("sha256").update(content).digest("hex"));
  });

  test("a body over the limit is refused, announced or not", async () => {
    const small = await startServer({ env: { ...UNLIMITED, AEROSTACK_FUNCTION_BODY_MB: "1" } });
    try {
      const dev = await createDeveloper(small);
      const shop = await dev.createProject("small");
      await dev.deploy(shop, { name: "streams", worker: await fixtureWorker("streams"), isPublic: true });
      const target = dev.functionUrl(shop, "streams", "/count");
      const announced = await send(target, { method: "POST", body: Buffer.alloc(2 * MEBIBYTE) });
      expect([announced.status, announced.body]).toEqual([413, expect.stringContaining("FUNCTION_BODY_TOO_LARGE")]);
      const { req, res } = await openDuplex(target);
      for (let megabyte = 0; megabyte < 3; megabyte++) req.write(Buffer.alloc(MEBIBYTE));
      req.end();
      expect((await res).statusCode).toBe(413);
      expect((await fetch(target, { method: "POST", body: Buffer.alloc(MEBIBYTE / 2) })).status).toBe(200);
    } finally {
      await small.dispose();
    }
  });
});

describe("HTTP as it is written", () => {
  test("HEAD has the headers and no body", async () => {
    const answer = await fetch(url("/head"), { method: "HEAD" });
    expect([answer.status, answer.headers.get("x-method"), await answer.text()]).toEqual([200, "HEAD", ""]);
    expect(answer.headers.get("content-length")).toBe("8");
  });

  test("ranges and conditions reach R2 and come back as 206 and 304", async () => {
    const stored = await fetch(url("/object"), { method: "PUT", body: "0123456789" });
    const { etag } = (await stored.json()) as { etag: string };
    const range = async (value: string): Promise<unknown[]> => {
      const answer = await fetch(url("/object"), { headers: { range: value } });
      return [answer.status, answer.headers.get("content-range"), await answer.text()];
    };
    expect(await range("bytes=2-5")).toEqual([206, "bytes 2-5/10", "2345"]);
    expect(await range("bytes=7-")).toEqual([206, "bytes 7-9/10", "789"]);
    expect(await range("bytes=-3")).toEqual([206, "bytes 7-9/10", "789"]);
    const same = await fetch(url("/object"), { headers: { "if-none-match": etag } });
    expect([same.status, await same.text()]).toEqual([304, ""]);
  });

  test("status codes, redirects and empty bodies pass as they are", async () => {
    for (const code of [201, 204, 205, 304, 404, 418, 500, 503]) {
      const answer = await send(url(`/status?code=${code}`));
      expect([answer.status, answer.body]).toEqual([code, ""]);
    }
    const redirect = await send(url("/redirect"));
    expect([redirect.status, redirect.headers.location]).toEqual([302, "https://example.com/elsewhere"]);
  });

  test("methods and encoded paths arrive unchanged", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const answer = await send(url(""), {
        method,
        path: `/f/${project.slug}/streams/a%2Fb//c%20d/%E2%9C%93?x=%26&y=1+2`,
      });
      expect(JSON.parse(answer.body)).toEqual({ method, path: "/a%2Fb//c%20d/%E2%9C%93", search: "?x=%26&y=1+2" });
    }
  });

  test("every answer tells its request id and the state of the limit", async () => {
    const answer = await fetch(url("/status?code=404"));
    expect(answer.headers.get("x-request-id")).toMatch(/^[\w-]{8,}$/);
    for (const header of ["limit", "remaining", "reset"]) {
      expect(answer.headers.get(`x-ratelimit-${header}`)).toMatch(/^\d+$/);
    }
  });

  test("expect: 100-continue is answered before the body is sent", async () => {
    const body = "x".repeat(100);
    const head = `POST /f/${project.slug}/streams/count HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: ${body.length}\r\n\r\n`;
    expect(await exchangeBytes(server.port, head, (text) => text.includes("\r\n\r\n"))).toMatch(/^HTTP\/1\.1 100 /);
  });
});

describe("WebSockets", () => {
  async function open(target: string, protocols: string[] = []): Promise<{ socket: WebSocket; messages: unknown[] }> {
    const socket = new WebSocket(target.replace(/^http/, "ws"), protocols);
    socket.binaryType = "arraybuffer";
    const messages: unknown[] = [];
    socket.addEventListener("message", ({ data }: MessageEvent) => messages.push(data));
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener("open", () => resolve());
      socket.addEventListener("error", () => reject(new Error("the WebSocket was refused")));
    });
    return { socket, messages };
  }
  const until = async (socket: WebSocket, kind: "message" | "close"): Promise<Event> =>
    await new Promise((resolve) => socket.addEventListener(kind, resolve, { once: true }));

  test("text and binary frames pass both ways, with sub-protocol and close code", async () => {
    const { socket, messages } = await open(url("/socket"), ["chat.v1", "chat.v2"]);
    expect(socket.protocol).toBe("chat.v1");
    if (messages.length === 0) await until(socket, "message");
    socket.send("hello ✓");
    await until(socket, "message");
    const large = randomBytes(200_000);
    socket.send(large);
    await until(socket, "message");
    expect(messages.slice(0, 2)).toEqual(["welcome", "echo hello ✓"]);
    expect(Buffer.from(messages[2] as ArrayBuffer).equals(large)).toBe(true);
    const closed = until(socket, "close");
    socket.send("close");
    const event = (await closed) as CloseEvent;
    expect([event.code, event.reason]).toEqual([4001, "as you wish"]);
  });

  test("a private function's WebSocket needs a key", async () => {
    await developer.deploy(project, { name: "guarded", worker: await fixtureWorker("streams"), isPublic: false });
    const guarded = developer.functionUrl(project, "guarded", "/socket");
    await expect(open(guarded)).rejects.toThrow("refused");
    const { secret } = await developer.createKey(project);
    const { socket } = await open(`${guarded}?apiKey=${secret}`);
    socket.close();
    await until(socket, "close");
  });

  test("an upgrade to nowhere, or that the function does not take, is answered and closed", async () => {
    const upgrade = (path: string): string =>
      `GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${randomBytes(16).toString("base64")}\r\n\r\n`;
    const answered = (text: string): boolean => text.includes("\r\n\r\n");
    expect(await exchangeBytes(server.port, upgrade("/f/none/none/"), answered)).toMatch(/^HTTP\/1\.1 404 /);
    expect(await exchangeBytes(server.port, upgrade("/nowhere"), answered)).toMatch(/^HTTP\/1\.1 404 /);
    const plain = await exchangeBytes(server.port, upgrade(`/f/${project.slug}/streams/head`), answered);
    expect(plain).toMatch(/^HTTP\/1\.1 200 /);
  });
});
