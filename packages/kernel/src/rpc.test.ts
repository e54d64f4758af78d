import { duplexPair } from "node:stream";
import { AerostackError } from "@aerostack/contracts/errors";
import { describe, expect, it } from "vitest";
import { createRpcPeer, type RpcPeerOptions } from "./rpc.ts";

function connect(options: RpcPeerOptions) {
  const [near, far] = duplexPair();
  let frames = 0;
  far.on("data", () => frames++);
  const server = createRpcPeer(far, options);
  return { client: createRpcPeer(near), server, frames: () => frames };
}

describe("calls between processes", () => {
  it("are answered each with its own result or error", async () => {
    const { client } = connect({
      handlers: {
        add: ({ a, b }: { a: number; b: number }) => a + b,
        later: async ({ a }: { a: number }) => a,
        refuse: () => {
          throw new AerostackError("NOT_FOUND", { message: "No." });
        },
      },
    });
    const calls = Array.from({ length: 50 }, (_, a) => client.call("add", { a, b: 1 }));
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, a) => a + 1));
    expect(await client.call("later", { a: 7 })).toBe(7);
    await expect(client.call("refuse", {})).rejects.toMatchObject({ code: "NOT_FOUND", message: "No." });
    await expect(client.call("absent", {})).rejects.toMatchObject({ code: "INTERNAL_ERROR" });
  });

  it("travel together while the last ones are unanswered, a millisecond at most", async () => {
    const { client, frames } = connect({ handlers: { never: () => new Promise(() => {}) } });
    const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
    client.call("never", 0).catch(() => {});
    await turn();
    await turn();
    const startedAt = performance.now();
    for (let count = 0; count < 20; count++) {
      client.call("never", count).catch(() => {});
      await turn();
    }
    while (client.pending < 21 || frames() < 2) await turn();
    const elapsedMs = performance.now() - startedAt;
    expect(frames()).toBeLessThanOrEqual(2 + elapsedMs);
  });

  it("do not wait for one that takes for ever", async () => {
    const { client } = connect({ handlers: { never: () => new Promise(() => {}), echo: (value: unknown) => value } });
    client.call("never", {}).catch(() => {});
    for (let count = 0; count < 50; count++) expect(await client.call("echo", count)).toBe(count);
    expect(client.pending).toBe(1);
  });

  it("end with an error when the other side goes, those that still gather included", async () => {
    const { client, server } = connect({ handlers: { never: () => new Promise(() => {}) } });
    const calls = [client.call("never", 1)];
    await new Promise<void>((resolve) => setImmediate(resolve));
    calls.push(client.call("never", 2));
    server.close();
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
    await expect(client.call("never", 3)).rejects.toMatchObject({ code: "SERVICE_UNAVAILABLE" });
  });
});
