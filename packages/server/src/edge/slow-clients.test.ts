import { connect, type Socket } from "node:net";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { expectWithin } from "../../../../e2e/harness/expect-within.ts";
import type { AppEnv } from "./app-env.ts";
import { type HttpServer, type HttpServerOptions, listen } from "./http-server.ts";

const servers: HttpServer[] = [];
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) await server.close(0);
});

const SLOW_SOCKETS = 1_000;

async function serve(options: Partial<HttpServerOptions>): Promise<number> {
  const app = new Hono<AppEnv>();
  app.onError((_, c) => c.text("", 400));
  app.get("*", (c) => c.text("hello"));
  app.post("*", async (c) => c.text(String((await c.req.text()).length)));
  const server = await listen({ app, host: "127.0.0.1", port: 0, ...options });
  servers.push(server);
  return server.port;
}

async function open(port: number, head: string): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined).resume();
  sockets.push(socket);
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(head);
  return socket;
}

/** Milliseconds of the slowest of a hundred requests but one. */
async function p99(port: number): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 200; count++) {
    const startedAt = performance.now();
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe("hello");
    times.push(performance.now() - startedAt);
  }
  return times.toSorted((a, b) => a - b)[197] ?? 0;
}

describe("clients that send slowly on purpose", () => {
  it("P32 a thousand that dribble headers and bodies leave others served, and are cut", async () => {
    const port = await serve({
      headersTimeoutMs: 3_000,
      slowBodies: { minBytesPerSecond: 100, windowMs: 2_000, checkIntervalMs: 500 },
    });
    const before = await p99(port);
    const slow = await Promise.all(
      Array.from({ length: SLOW_SOCKETS }, (_, index) =>
        open(
          port,
          index % 2 === 0
            ? "GET / HTTP/1.1\r\nhost: x\r\n"
            : "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 100000\r\n\r\n",
        ),
      ),
    );
    const dribble = setInterval(() => {
      for (const [index, socket] of slow.entries())
        if (socket.writable) socket.write(index % 2 === 0 ? "x: y\r\n" : "z");
    }, 500);
    try {
      const during = await p99(port);
      console.info(`p99 of others: ${before.toFixed(1)} ms alone, ${during.toFixed(1)} ms beside ${SLOW_SOCKETS}`);
      expectWithin(during, before + 100);
      await expect.poll(() => slow.filter(({ closed }) => !closed).length, { timeout: 15_000 }).toBe(0);
    } finally {
      clearInterval(dribble);
    }
  });

  it("a body that is slow but moves is taken to its end, however long that is", async () => {
    const port = await serve({ slowBodies: { minBytesPerSecond: 100, windowMs: 400, checkIntervalMs: 100 } });
    const socket = await open(port, "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\nconnection: close\r\n\r\n");
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString();
    });
    for (let sent = 0; sent < 2_000; sent += 100) {
      socket.write("x".repeat(100));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\r\n2000/);
  });

  it("one address has so many connections open and no more; a proxy that is trusted has no limit", async () => {
    const exempt = new Set<string>();
    const port = await serve({ connections: { perAddress: 5, isExempt: (address) => exempt.has(address) } });
    const opened = await Promise.all(Array.from({ length: 8 }, () => open(port, "GET / HTTP/1.1\r\nhost: x\r\n")));
    await expect.poll(() => opened.filter(({ closed }) => closed).length).toBe(3);
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
    for (const socket of opened) socket.destroy();
    await expect
      .poll(() =>
        fetch(`http://127.0.0.1:${port}/`).then(
          (answer) => answer.text(),
          () => "",
        ),
      )
      .toBe("hello");
    exempt.add("127.0.0.1");
    const more = await Promise.all(Array.from({ length: 12 }, () => open(port, "GET / HTTP/1.1\r\nhost: x\r\n")));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(more.filter(({ closed }) => closed)).toHaveLength(0);
  });
});
