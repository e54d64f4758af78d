import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Many WebSockets that read and count, and do as little else as they can: what is measured is the server. */
export interface Crowd extends Disposable {
  readonly size: number;
  /** Sends a text on every one of them. */
  sayAll(text: string): void;
  say(at: number, text: string): void;
  /** Bytes that all of them have received since the last time. */
  takeBytes(): number;
  /** Resolves once nothing has arrived for a moment. */
  quiet(): Promise<void>;
  /** Resolves once they have received so many bytes in all since the last `takeBytes`. */
  receives(bytes: number): Promise<void>;
}

const CONNECTS_AT_ONCE = 100;
const QUIET_MS = 400;
const STALLED_AFTER_MS = 30_000;

/** A text in one masked frame, as clients send it (RFC 6455, 5.2). */
function clientFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const head = payload.length < 126 ? Buffer.from([0x81, 0x80 | payload.length]) : Buffer.from([0x81, 0xfe, 0, 0]);
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  for (let at = 0; at < payload.length; at++) payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return Buffer.concat([head, mask, payload]);
}

async function open(url: URL, headers: Readonly<Record<string, string>>): Promise<Socket> {
  const socket = connect(Number(url.port), url.hostname);
  const lines = [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.once("data", (chunk: Buffer) => {
      const text = chunk.toString("latin1");
      if (text.startsWith("HTTP/1.1 101")) resolve();
      else reject(new Error(`no WebSocket: ${text.slice(0, 200)}`));
    });
  });
  return socket;
}

/** Opens so many WebSockets. */
export async function gatherCrowd(
  address: string,
  size: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Crowd> {
  const url = new URL(address);
  const sockets: Socket[] = [];
  let bytes = 0;
  let lastAt = performance.now();
  let wanted = Number.POSITIVE_INFINITY;
  let wake = (): void => {};
  for (let from = 0; from < size; from += CONNECTS_AT_ONCE) {
    const count = Math.min(CONNECTS_AT_ONCE, size - from);
    sockets.push(...(await Promise.all(Array.from({ length: count }, () => open(url, headers)))));
  }
  for (const socket of sockets) {
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      lastAt = performance.now();
      if (bytes >= wanted) wake();
    });
  }
  const say = (at: number, text: string): void => void sockets[at]?.write(clientFrame(text));
  return {
    size,
    say,
    sayAll(text) {
      for (let at = 0; at < sockets.length; at++) say(at, text);
    },
    takeBytes() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
    async quiet() {
      lastAt = performance.now();
      while (performance.now() - lastAt < QUIET_MS) await delay(QUIET_MS / 4);
    },
    receives(count) {
      if (bytes >= count) return Promise.resolve();
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("the messages do not arrive")), STALLED_AFTER_MS);
        wanted = count;
        wake = () => {
          clearTimeout(timer);
          wanted = Number.POSITIVE_INFINITY;
          resolve();
        };
      });
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
