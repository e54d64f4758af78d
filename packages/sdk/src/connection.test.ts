import { describe, expect, it } from "vitest";
import { AerostackClientError } from "./client-error.ts";
import { createConnection } from "./connection.ts";
import { startTestServer, type Told } from "./test-server.ts";

const failureOf = async (work: Promise<unknown>): Promise<AerostackClientError> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AerostackClientError)) throw new Error("it did not fail as a client fails", { cause: error });
  return error;
};

describe("a connection", () => {
  it("finds the server whether its address ends in /v1 or a slash, and sends key and project", async () => {
    const server = await startTestServer(() => ({ body: { ok: true } }));
    for (const end of ["", "/", "/v1", "/v1/"]) {
      const connection = createConnection({ url: server.url + end, apiKey: "sk_1", project: "shop" });
      expect(await connection.json({ path: "/v1/a", query: { b: 1, c: undefined }, json: { d: 2 } })).toEqual({
        ok: true,
      });
    }
    expect(server.asked).toHaveLength(4);
    for (const { method, path, headers, body } of server.asked) {
      expect({ method, path, body }).toEqual({ method: "POST", path: "/v1/a?b=1", body: '{"d":2}' });
      expect(headers).toMatchObject({ "x-aerostack-key": "sk_1", "x-project-id": "shop" });
    }
  });

  const SHAPES: Readonly<Record<string, unknown>> = {
    flat: { code: "VALIDATION_ERROR", message: "No.", details: { fieldErrors: { a: ["b"] }, suggestion: "Fix it." } },
    nested: {
      error: { code: "VALIDATION_ERROR", message: "No.", fix: "Fix it.", details: { fieldErrors: { a: ["b"] } } },
    },
    superset: { code: "VALIDATION_ERROR", error: "No.", fix: "Fix it.", details: { fieldErrors: { a: ["b"] } } },
  };
  for (const [name, body] of Object.entries(SHAPES)) {
    it(`reads code, message, fix and field errors of a ${name} error`, async () => {
      const server = await startTestServer(() => ({ status: 400, headers: { "x-request-id": "r1" }, body }));
      const error = await failureOf(createConnection({ url: server.url }).json({ path: "/v1/a" }));
      expect(error).toMatchObject({
        code: "VALIDATION_ERROR",
        message: "No.",
        status: 400,
        fix: "Fix it.",
        fieldErrors: { a: ["b"] },
        requestId: "r1",
      });
    });
  }

  it("says so when what answers is not Aerostack", async () => {
    const server = await startTestServer((_, count) => ({ status: count === 1 ? 200 : 500, body: "<html>" }));
    const connection = createConnection({ url: server.url });
    expect((await failureOf(connection.json({ path: "/v1/a" }))).code).toBe("UNKNOWN_ERROR");
    expect(await failureOf(connection.json({ path: "/v1/a" }))).toMatchObject({ code: "REQUEST_FAILED", status: 500 });
  });

  const TRANSIENT: Readonly<Record<string, Told | null>> = {
    "a broken connection": null,
    "an overloaded server": { status: 503, body: { code: "SERVICE_UNAVAILABLE", message: "Later." } },
    "a limit that passes": { status: 429, headers: { "retry-after": "0" }, body: { code: "RATE_LIMIT_EXCEEDED" } },
  };
  for (const [name, told] of Object.entries(TRANSIENT)) {
    it(`repeats after ${name} what may be repeated, and nothing else`, async () => {
      const server = await startTestServer((_, count) => (count % 2 === 1 ? told : { body: { count } }));
      const connection = createConnection({ url: server.url });
      expect(await connection.json({ path: "/v1/a", isRepeatable: true })).toEqual({ count: 2 });
      await failureOf(connection.json({ path: "/v1/a" }));
      expect(server.asked).toHaveLength(3);
    });
  }

  it("gives up after as many repeats as it may make", async () => {
    const server = await startTestServer(() => null);
    const error = await failureOf(
      createConnection({ url: server.url, maxRetries: 1 }).json({ path: "/v1/a", isRepeatable: true }),
    );
    expect([error.code, server.asked.length]).toEqual(["NETWORK_ERROR", 2]);
  });

  it("waits no longer than it is told, and stops when its caller does", async () => {
    const hung = async (_url: unknown, init?: RequestInit): Promise<Response> => {
      init?.signal?.throwIfAborted();
      return await new Promise((_, reject) => {
        init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
      });
    };
    const connection = createConnection({ url: "http://a.test", fetch: hung as typeof fetch, timeoutMs: 20 });
    expect((await failureOf(connection.json({ path: "/v1/a" }))).code).toBe("NETWORK_TIMEOUT");
    const reason = new Error("changed my mind");
    await expect(connection.json({ path: "/v1/a", signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
