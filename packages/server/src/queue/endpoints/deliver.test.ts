import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "@aerostack/kernel";
import { createEgressConnector } from "@aerostack/runtime";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOutgoing } from "../../kernel/outgoing.ts";
import { createSigningSecret } from "../../kernel/standard-webhooks.ts";
import { createEndpointDelivery } from "./deliver.ts";

interface Received {
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

const received: Received[] = [];
const answers = new Map<string, (req: IncomingMessage, res: ServerResponse) => void>([
  ["/ok", (_req, res) => res.writeHead(204).end()],
  ["/busy", (_req, res) => res.writeHead(503, { "retry-after": "77" }).end("come later")],
  ["/moved", (_req, res) => res.writeHead(307, { location: "/ok" }).end()],
  ["/gone", (req) => req.socket.destroy()],
  ["/endless", (_req, res) => res.writeHead(400).end("x".repeat(3 * 1024 * 1024))],
]);
const receiver = createServer((req, res) => {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", () => {
    const headers = req.headers as Record<string, string>;
    received.push({ path: req.url ?? "", headers, body: Buffer.concat(chunks) });
    answers.get(req.url ?? "")?.(req, res);
  });
});
const outgoing = createOutgoing();
const deliver = createEndpointDelivery({ clock: systemClock, fetch: outgoing.fetch });
const secret = createSigningSecret();
let origin: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await outgoing.close();
  receiver.closeAllConnections();
  receiver.close();
});

function post(path: string, body: string | Buffer, options: { contentType?: string; secrets?: string[] } = {}) {
  const { contentType = "json", secrets = [secret] } = options;
  const message = { id: "0001abc", attempts: 3, contentType, body: Buffer.from(body).toString("base64") };
  return deliver({ queue: "orders", url: origin + path, secrets }, message);
}

describe("a delivery to an endpoint", () => {
  it("is accepted by a receiver that checks signatures as Standard Webhooks says", async () => {
    const body = JSON.stringify({ type: "order.paid", data: { id: 7, name: "ü😀" } });
    expect(await post("/ok", body)).toEqual({ isTaken: true });
    const got = received.at(-1);
    expect(got?.headers).toMatchObject({
      "content-type": "application/json",
      "webhook-id": "0001abc",
      "x-aerostack-queue": "orders",
      "x-aerostack-attempt": "3",
    });
    expect(new Webhook(secret).verify(got?.body ?? "", got?.headers ?? {})).toEqual(JSON.parse(body));
    expect(() => new Webhook(createSigningSecret()).verify(got?.body ?? "", got?.headers ?? {})).toThrow();
    expect(() => new Webhook(secret).verify(`${body} `, got?.headers ?? {})).toThrow();
  });

  it("carries a signature by each secret while one follows the other", async () => {
    const next = createSigningSecret();
    await post("/ok", "{}", { secrets: [next, secret] });
    const got = received.at(-1);
    for (const known of [next, secret]) expect(new Webhook(known).verify("{}", got?.headers ?? {})).toEqual({});
  });

  it("hands on text and bytes as they are", async () => {
    await post("/ok", "plain ü", { contentType: "text" });
    expect(received.at(-1)).toMatchObject({
      headers: { "content-type": "text/plain; charset=utf-8" },
      body: Buffer.from("plain ü"),
    });
    const bytes = Buffer.from([0, 255, 10, 13, 0]);
    await post("/ok", bytes, { contentType: "bytes" });
    expect(received.at(-1)).toMatchObject({ headers: { "content-type": "application/octet-stream" }, body: bytes });
  });

  it("fails with what the receiver said and when it may be asked again", async () => {
    expect(await post("/busy", "{}")).toEqual({
      isTaken: false,
      error: "The endpoint answered 503: come later",
      retryAfterSeconds: 77,
    });
    const long = await post("/endless", "{}");
    expect(long).toMatchObject({ isTaken: false, error: expect.stringMatching(/^The endpoint answered 400/) });
    expect(JSON.stringify(long).length).toBeLessThan(1000);
  });

  it("follows no redirect, which could lead to where the guard would not let it", async () => {
    const before = received.length;
    expect(await post("/moved", "{}")).toMatchObject({ isTaken: false, error: "The endpoint answered 307." });
    expect(received.slice(before).map(({ path }) => path)).toEqual(["/moved"]);
  });

  it("fails when the connection breaks, and does not send what only functions read", async () => {
    expect(await post("/gone", "{}")).toMatchObject({ error: expect.stringContaining("could not be reached") });
    const before = received.length;
    expect(await post("/ok", "xx", { contentType: "v8" })).toEqual({
      isTaken: false,
      error: "The message is in the format 'v8', which only functions read. Send it with { contentType: \"json\" }.",
      retryAfterSeconds: null,
      isFinal: true,
    });
    expect(received).toHaveLength(before);
  });

  it("reaches no private address that the operator did not open", async () => {
    const guarded = createOutgoing(createEgressConnector({ platformOrigin: "http://127.0.0.1:1" }, 1000));
    const refused = createEndpointDelivery({ clock: systemClock, fetch: guarded.fetch });
    const message = { id: "a", attempts: 1, contentType: "json", body: "e30=" };
    const before = received.length;
    for (const url of [
      `${origin}/ok`,
      "http://[::1]:8080/",
      "http://169.254.169.254/latest/meta-data",
      "https://10.0.0.1/",
    ]) {
      expect(await refused({ queue: "q", url, secrets: [secret] }, message)).toEqual({
        isTaken: false,
        error: "The endpoint's address is private, where this server sends nothing.",
        retryAfterSeconds: null,
      });
    }
    expect(received).toHaveLength(before);
    await guarded.close();
  });
});
