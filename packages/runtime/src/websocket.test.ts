import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createRuntimeFixture, type RuntimeFixture } from "./runtime-fixture.ts";

const ECHO = (version: number): string => `
  export default { fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    server.accept();
    server.addEventListener("message", ({ data }) => server.send("${version}:" + data));
    return new Response(null, { status: 101, webSocket: client });
  } };`;

/** A masked text frame (RFC 6455, section 5.2) with a mask of zeros. */
const frame = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
const CLOSE = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]);

let fixture: RuntimeFixture;
afterEach(async () => {
  await fixture.close();
});

/** Opens a WebSocket over the function's raw socket, as the gateway pipes an upgrade. */
async function open(functionKey: string) {
  const route = await fixture.runtime.route("prj_test", functionKey);
  const flight = route.begin("socket");
  const socket = connect(route.socketPath);
  socket.on("close", () => flight.end());
  socket.write(
    "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  return {
    head: head.toString("latin1"),
    socket,
    async ask(text: string): Promise<string> {
      socket.write(frame(text));
      const [answer] = (await once(socket, "data")) as [Buffer];
      return answer.subarray(2).toString();
    },
  };
}

describe("WebSockets", () => {
  it("pass over a function's raw socket, and go on during a swap until they end", async () => {
    fixture = await createRuntimeFixture();
    const { runtime, project, fn } = fixture;
    await runtime.configure(project([fn("chat", ECHO(1))]));
    const old = await open("chat@production@1");
    expect(old.head).toMatch(/^HTTP\/1\.1 101 /);
    expect(await old.ask("hello")).toBe("1:hello");
    await runtime.configure(project([fn("chat", ECHO(2), { versionNumber: 2 })]));
    expect(await old.ask("still")).toBe("1:still");
    const next = await open("chat@production@2");
    expect(await next.ask("new")).toBe("2:new");
    expect(fixture.events.some((event) => event.type === "process.stopped")).toBe(false);
    old.socket.end(CLOSE);
    await fixture.event((event) => event.type === "process.stopped" && event.reason === "swapped");
    next.socket.destroy();
  });

  it("are cut when they outlast the time to drain", async () => {
    fixture = await createRuntimeFixture({ limits: { drainMs: 100 } });
    const { runtime, project, fn } = fixture;
    await runtime.configure(project([fn("chat", ECHO(1))]));
    const old = await open("chat@production@1");
    const closed = once(old.socket.resume(), "close");
    await runtime.configure(project([fn("chat", ECHO(2), { versionNumber: 2 })]));
    await closed;
    await fixture.event((event) => event.type === "process.stopped");
  });
});
