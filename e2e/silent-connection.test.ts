import { connect } from "node:net";
import { expect, test } from "vitest";
import { startServer } from "./harness/server-process.ts";

test("SIGTERM does not wait for a connection that never sent a request (browsers open some in advance)", async () => {
  const server = await startServer();
  try {
    const socket = connect(server.port, "127.0.0.1");
    await new Promise((resolve) => socket.once("connect", resolve));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    const startedAt = performance.now();
    expect(await server.stop()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await ended;
  } finally {
    await server.dispose();
  }
});
