import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Exchange, ExchangeError, type FunctionRequest } from "./function-connection.ts";
import { createFunctionPool, type FunctionPool } from "./function-pool.ts";

let folder: string;
let socketPath: string;
let server: Server | undefined;
let pool: FunctionPool;
let connections: Socket[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "aerostack-pool-"));
  socketPath = join(folder, "s");
  connections = [];
  pool = createFunctionPool({ socketPath, maxConnections: 2, keepAliveMs: 2000 });
});
afterEach(async () => {
  pool.destroy(new Error("the test is over"));
  for (const socket of connections) socket.destroy();
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function listen(made: Server): Promise<void> {
  server = made;
  made.on("connection", (socket) => void connections.push(socket));
  await new Promise<void>((resolve) => made.listen(socketPath, resolve));
}
const serve = (listener: RequestListener) => listen(createHttpServer({ keepAliveTimeout: 0 }, listener));
/** A peer that says what it likes. */
const speak = (onBytes: (socket: Socket, bytes: Buffer) => void) =>
  listen(
    createServer((socket) => {
      socket.on("error", () => {}).on("data", (bytes) => onBytes(socket, bytes));
    }),
  );

interface Answer {
  readonly status: number;
  readonly text: string;
}

function start(request: Partial<FunctionRequest> = {}): { answer: Promise<Answer>; exchange: Exchange } {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const pieces: Buffer[] = [];
  let status = 0;
  const exchange = pool.dispatch(
    {
      method: "GET",
      path: "/",
      headers: ["host", "a.b"],
      body: null,
      headTimeoutMs: 5000,
      bodyTimeoutMs: 5000,
      ...request,
    },
    {
      onHead: (head) => {
        status = head.status;
      },
      onData: (chunk) => pieces.push(chunk) > 0,
      onEnd: (last) => resolve({ status, text: Buffer.concat(last === null ? pieces : [...pieces, last]).toString() }),
      onError: reject,
    },
  );
  return { answer: promise, exchange };
}
const ask = (request: Partial<FunctionRequest> = {}) => start(request).answer;

describe("calls to a function's socket", () => {
  it("use one connection again, one after the other", async () => {
    await serve((req, res) => res.end(`${req.method} ${req.url} ${req.headers["x-a"]} ${req.headers.host}`));
    for (let count = 0; count < 5; count++) {
      const answer = await ask({ path: `/p?n=${count}`, headers: ["host", "a.b", "x-a", "\u00e9"] });
      expect(answer).toEqual({ status: 200, text: `GET /p?n=${count} \u00e9 a.b` });
    }
    expect(connections).toHaveLength(1);
  });

  it("wait for a connection when all are busy, and all come through", async () => {
    await serve((req, res) => setImmediate(() => res.end(req.url)));
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => ask({ path: `/${index}` })));
    expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 50 }, (_, index) => `/${index}`));
    expect(connections).toHaveLength(2);
  });

  it("carry a body whose length is known and one whose is not", async () => {
    await serve((req, res) => {
      res.write(`${req.headers["content-length"]} ${req.headers["transfer-encoding"]} `);
      req.pipe(res);
    });
    const known = ask({ method: "PUT", headers: ["content-length", "5"], body: Readable.from([Buffer.from("hello")]) });
    expect((await known).text).toBe("5 undefined hello");
    const pieces = Array.from({ length: 200 }, () => Buffer.alloc(10_000, "x"));
    const unknown = await ask({ method: "POST", body: Readable.from(pieces) });
    expect(unknown.text).toBe(`undefined chunked ${"x".repeat(2_000_000)}`);
    expect((await ask({ method: "POST" })).text).toBe("0 undefined ");
    expect(connections).toHaveLength(1);
  });

  it("hold back a source whose reader is slow, and a response whose receiver is", async () => {
    await serve((req, res) => {
      req.pause();
      res.write(Buffer.alloc(8_000_000));
      setImmediate(() => req.resume().on("end", () => res.end()));
    });
    const body = new PassThrough();
    let received = 0;
    let held = 0;
    const done = Promise.withResolvers<void>();
    const exchange = pool.dispatch(
      { method: "POST", path: "/", headers: [], body, headTimeoutMs: 5000, bodyTimeoutMs: 5000 },
      {
        onHead() {},
        onData(chunk) {
          received += chunk.length;
          held++;
          setImmediate(() => exchange.resume());
          return false;
        },
        onEnd(last) {
          received += last?.length ?? 0;
          done.resolve();
        },
        onError: done.reject,
      },
    );
    for (let count = 0; count < 100; count++) body.write(Buffer.alloc(50_000));
    body.end();
    await done.promise;
    expect(received).toBe(8_000_000);
    expect(held).toBeGreaterThan(10);
  });

  it("read a long response bit by bit, so that all others have their turn in between", async () => {
    // In a thread of its own, or the peer could not refill the socket while it is read.
    const peer = new Worker(
      `const { createServer } = require("node:http");
       const { parentPort, workerData } = require("node:worker_threads");
       createServer((req, res) => res.end(Buffer.alloc(64 * 1024 * 1024))).listen(workerData, () => parentPort.postMessage("listens"));`,
      { eval: true, workerData: socketPath },
    );
    await once(peer, "message");
    let turnBytes = 0;
    let mostBytes = 0;
    let received = 0;
    const done = Promise.withResolvers<void>();
    let isOver = false;
    const countTurns = (): void => {
      mostBytes = Math.max(mostBytes, turnBytes);
      turnBytes = 0;
      if (!isOver) setImmediate(countTurns);
    };
    setImmediate(countTurns);
    const take = (chunk: Buffer): boolean => {
      received += chunk.length;
      turnBytes += chunk.length;
      // As long as forwarding it takes: meanwhile the peer sends more.
      for (const until = performance.now() + 0.1; performance.now() < until; );
      return true;
    };
    pool.dispatch(
      { method: "GET", path: "/", headers: [], body: null, headTimeoutMs: 5000, bodyTimeoutMs: 5000 },
      {
        onHead() {},
        onData: take,
        onEnd(last) {
          if (last !== null) take(last);
          done.resolve();
        },
        onError: done.reject,
      },
    );
    await done.promise;
    isOver = true;
    await peer.terminate();
    expect(received).toBe(64 * 1024 * 1024);
    expect(mostBytes).toBeLessThanOrEqual(256 * 1024);
  });

  it("carry a long response byte for byte, though the memory that it passes through is used again", async () => {
    const whole = randomBytes(16 * 1024 * 1024);
    await serve((_req, res) => res.end(whole));
    const hash = createHash("sha256");
    const done = Promise.withResolvers<void>();
    // As when a client is slower than the function: some pieces are on their way at any time.
    const underway: { chunk: Buffer; release: (() => void) | undefined }[] = [];
    const deliver = (): void => {
      const piece = underway.shift();
      if (piece === undefined) return;
      hash.update(piece.chunk);
      piece.release?.();
    };
    pool.dispatch(
      { method: "GET", path: "/", headers: [], body: null, headTimeoutMs: 5000, bodyTimeoutMs: 5000 },
      {
        onHead() {},
        onData(chunk, release) {
          underway.push({ chunk, release });
          if (underway.length > 5) deliver();
          return true;
        },
        onEnd(last) {
          while (underway.length > 0) deliver();
          if (last !== null) hash.update(last);
          done.resolve();
        },
        onError: done.reject,
      },
    );
    await done.promise;
    expect(hash.digest("hex")).toBe(createHash("sha256").update(whole).digest("hex"));
  });

  it("take an answer that comes before the end of the request, and leave that connection", async () => {
    await serve((req, res) => {
      res.writeHead(413).end("too much");
      if (req.url === "/next") res.end();
    });
    const body = new PassThrough();
    body.write("begin");
    expect(await ask({ method: "POST", path: "/", body })).toEqual({ status: 413, text: "too much" });
    body.end("rest");
    expect((await ask({ path: "/next" })).status).toBe(413);
    expect(connections).toHaveLength(2);
  });

  it.each([
    ["whose length is announced", ["content-length", "8"]],
    ["in chunks", []],
  ])("read an answer that lies there when the next write of a body %s fails", async (_name, headers) => {
    // The peer answers and hangs up while this thread does not look.
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const [RECEIVED, GO, CLOSED] = [1, 2, 3];
    const peer = new Worker(
      `const { createServer } = require("node:net");
       const { parentPort, workerData: { path, flag } } = require("node:worker_threads");
       createServer((socket) => {
         socket.on("error", () => {}).once("data", () => {
           Atomics.store(flag, 0, ${RECEIVED});
           Atomics.wait(flag, 0, ${RECEIVED});
           socket.write("HTTP/1.1 413 Too Large\\r\\ncontent-length: 8\\r\\n\\r\\ntoo much");
           socket.destroy();
           Atomics.store(flag, 0, ${CLOSED});
           Atomics.notify(flag, 0);
         });
       }).listen(path, () => parentPort.postMessage("listens"));`,
      { eval: true, workerData: { path: socketPath, flag } },
    );
    await once(peer, "message");
    async function* body() {
      yield Buffer.from("be");
      while (Atomics.load(flag, 0) !== RECEIVED) await new Promise((resolve) => setImmediate(resolve));
      Atomics.store(flag, 0, GO);
      Atomics.notify(flag, 0);
      Atomics.wait(flag, 0, GO);
      yield Buffer.from("gin");
      yield Buffer.from("end");
    }
    const answer = ask({ method: "POST", headers: ["host", "a.b", ...headers], body: Readable.from(body()) });
    await expect(answer).resolves.toEqual({ status: 413, text: "too much" });
    await peer.terminate();
    await expect(ask()).rejects.toMatchObject({ code: "NEVER_SENT" });
  });

  it("fail as never sent when nobody listens, and when the process has ended", async () => {
    await expect(ask()).rejects.toMatchObject({ code: "NEVER_SENT" });
    await serve((_req, res) => res.end());
    await ask();
    pool.destroy(new Error("gone"));
    await expect(ask()).rejects.toMatchObject({ code: "NEVER_SENT" });
  });

  it("fail with the reason when the process ends in the middle; what waited was never sent", async () => {
    await serve(() => pool.destroy(new Error("gone")));
    const results = await Promise.allSettled([ask(), ask(), ask()]);
    const reasons = results.map((result) => (result.status === "rejected" ? result.reason : null));
    expect(reasons[0]).toMatchObject({ message: "gone" });
    expect(reasons[2]).toMatchObject({ code: "NEVER_SENT" });
  });

  it("fail as broken when the peer hangs up, answers nonsense, or says more than its answer", async () => {
    await speak((socket, bytes) => {
      if (bytes.includes("/hang-up")) socket.end();
      else if (bytes.includes("/nonsense")) socket.write("nonsense\r\n\r\n");
      else if (bytes.includes("/more")) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nab");
      else socket.end("HTTP/1.1 200 OK\r\n\r\nwhole");
    });
    await expect(ask({ path: "/hang-up" })).rejects.toMatchObject({ code: "BROKEN" });
    await expect(ask({ path: "/nonsense" })).rejects.toMatchObject({ code: "BROKEN" });
    await expect(ask({ path: "/more" })).rejects.toMatchObject({ code: "BROKEN" });
    expect(await ask({ path: "/close" })).toEqual({ status: 200, text: "whole" });
  });

  it("fail when no answer, or no more of it, comes in time", async () => {
    await serve((req, res) => {
      if (req.url === "/stall") res.write("begin");
    });
    await expect(ask({ headTimeoutMs: 50 })).rejects.toMatchObject({ code: "HEAD_TIMEOUT" });
    await expect(ask({ path: "/stall", bodyTimeoutMs: 50 })).rejects.toMatchObject({ code: "BODY_TIMEOUT" });
  });

  it("are given up without another word, and the peer sees it", async () => {
    const closed = Promise.withResolvers<void>();
    const arrived = Promise.withResolvers<void>();
    await serve((_req, res) => {
      res.on("close", () => closed.resolve());
      arrived.resolve();
    });
    const { answer, exchange } = start();
    let isSettled = false;
    answer.finally(() => (isSettled = true)).catch(() => {});
    await arrived.promise;
    exchange.abort();
    await closed.promise;
    expect(isSettled).toBe(false);
  });

  it("cannot carry a line break in their path or headers", async () => {
    await serve((_req, res) => res.end());
    for (const request of [{ headers: ["x", "a\r\nb: c"] }, { path: "/a\r\nb: c" }, { path: "/a HTTP/1.1" }]) {
      const error = await ask(request).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ExchangeError);
      expect(error).toMatchObject({ code: "NEVER_SENT" });
    }
  });
});
