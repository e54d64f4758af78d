import { AerostackError, ERRORS, type ErrorCode } from "@aerostack/contracts";
import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { createTestApp } from "../testing.ts";
import { openControlSqlite } from "../testing-database.ts";
import { defineRoute } from "./define-route.ts";
import { renderError } from "./error-shapes.ts";

const FLAT_CODES = [
  "AUTH_INVALID_KEY",
  "AUTH_INVALID_CREDENTIALS",
  "DB_QUERY_FAILED",
  "RATE_LIMIT_EXCEEDED",
  "VALIDATION_ERROR",
  "INTERNAL_ERROR",
  "FORBIDDEN",
];
const REQUEST_ID = "0b5a2c1e-8a3d-4f6b-9c7d-1e2f3a4b5c6d";

describe("error shapes", () => {
  const render = (path: string, error: AerostackError) => JSON.parse(renderError(path, error, REQUEST_ID).body);
  const error = new AerostackError("VALIDATION_ERROR", {
    message: "No.",
    fix: "Do.",
    details: { fieldErrors: { a: ["b"] } },
    cause: new Error("internal text"),
  });

  it("of /v1/ are exactly code, message and details", () => {
    expect(render("/v1/db/query", error)).toEqual({
      code: "VALIDATION_ERROR",
      message: "No.",
      details: { fieldErrors: { a: ["b"] }, suggestion: "Do.", requestId: REQUEST_ID },
    });
  });

  it.each(Object.keys(ERRORS) as ErrorCode[])("of /v1/ never show a code that the SDKs refuse: %s", (code) => {
    const body = render("/v1/x", new AerostackError(code));
    expect(Object.keys(body).sort()).toEqual(["code", "details", "message"]);
    if ([400, 401, 404, 409, 429, 500].includes(ERRORS[code].status)) expect(FLAT_CODES).toContain(body.code);
    else expect(body.code).toBe(code);
    expect([body.code, body.details.code]).toContain(code);
  });

  it.each(["/api/v1/public/projects/p/auth/login", "/api/gateway/x", "/api/auth/login"])(
    "of %s carry error as text, message and code",
    (path) => {
      expect(render(path, error)).toEqual({
        error: "No.",
        message: "No.",
        code: "VALIDATION_ERROR",
        field: "a",
        details: { fieldErrors: { a: ["b"] }, suggestion: "Do." },
        fix: "Do.",
        requestId: REQUEST_ID,
      });
    },
  );

  it.each(["/api/v1/projects", "/api/v1/cli/deploy", "/api/community/mcp"])("of %s are nested", (path) => {
    expect(render(path, error)).toEqual({
      error: {
        code: "VALIDATION_ERROR",
        message: "No.",
        details: { fieldErrors: { a: ["b"] } },
        fix: "Do.",
        requestId: REQUEST_ID,
      },
    });
  });

  it("never hold the cause", () => {
    for (const path of ["/v1/x", "/api/auth/x", "/api/v1/x"]) {
      expect(renderError(path, error, REQUEST_ID).body).not.toContain("internal text");
    }
  });
});

describe("the application", () => {
  const cleanups: (() => Promise<void>)[] = [];
  let test: Awaited<ReturnType<typeof createTestApp>>;
  beforeEach(async () => {
    const sql = await openControlSqlite(cleanups);
    let made = 0;
    const things = defineRoute({
      method: "post",
      path: "/api/v1/things",
      summary: "Make a thing",
      tag: "Test",
      auth: "account",
      body: z.object({ name: z.string(), nested: z.object({ size: z.int() }).optional() }),
      maxBodyBytes: 1_000,
      response: { status: 201, schema: z.object({ made: z.int(), name: z.string() }) },
      idempotent: true,
      handler: async ({ body }) => {
        if (body.name === "defect") throw new Error("secret internals: sk_0123456789abcdef");
        if (body.name === "slow") await new Promise(setImmediate);
        return { made: ++made, name: body.name };
      },
    });
    test = await createTestApp(sql, { extraRoutes: [things], projectPerMinute: 1_000 });
    return async () => {
      for (const cleanup of cleanups.splice(0)) await cleanup();
    };
  });

  it("keeps a request id that is a UUID and makes one for every other", async () => {
    const kept = await test.call("GET", "/api/v1/none", { headers: { "x-request-id": REQUEST_ID.toUpperCase() } });
    expect(kept.headers.get("x-request-id")).toBe(REQUEST_ID);
    expect(kept.body.error.requestId).toBe(REQUEST_ID);
    const hostile = await test.call("GET", "/api/v1/none", { headers: { "x-request-id": "1 OR 1=1" } });
    expect(hostile.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("answers unknown addresses and methods in JSON, with Allow", async () => {
    expect(await test.call("GET", "/nowhere")).toMatchObject({ status: 404, body: { error: { code: "NOT_FOUND" } } });
    const method = await test.call("PUT", "/api/v1/things");
    expect(method).toMatchObject({ status: 405, body: { error: { code: "METHOD_NOT_ALLOWED" } } });
    expect(method.headers.get("allow")).toBe("POST");
    expect((await test.call("DELETE", "/api/v1/projects")).headers.get("allow")).toBe("GET, POST, HEAD");
  });

  it("names every field that is wrong", async () => {
    const ada = await test.createDeveloper("ada@example.com");
    const { status, body } = await ada.call("POST", "/api/v1/things", { nested: { size: 1.5 } });
    expect(status).toBe(400);
    expect(Object.keys(body.error.details.fieldErrors)).toEqual(["name", "nested.size"]);
  });

  it("refuses bodies that are too large, no JSON, or of another type", async () => {
    const ada = await test.createDeveloper("ada@example.com");
    const send = (body: string, type = "application/json") =>
      test.call("POST", "/api/v1/things", { body, headers: { "x-api-key": ada.accountKey, "content-type": type } });
    expect(await send(JSON.stringify({ name: "x".repeat(1_000) }))).toMatchObject({ status: 413 });
    expect(await send("{")).toMatchObject({ status: 400, body: { error: { code: "REQUEST_MALFORMED" } } });
    expect(await send('{"name":"x"}', "text/plain")).toMatchObject({ status: 415 });
    expect(await send('{"name":"x"}', "application/json; charset=utf-8")).toMatchObject({ status: 201 });
  });

  it("counts a body as it arrives, whatever its length header says", async () => {
    const ada = await test.createDeveloper("ada@example.com");
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(400).fill(32)),
    });
    const answer = await test.app.request(
      new Request("http://aerostack.test/api/v1/things", {
        method: "POST",
        body: endless,
        duplex: "half",
        headers: { "content-type": "application/json", "x-api-key": ada.accountKey },
      } as RequestInit),
    );
    expect(answer.status).toBe(413);
  });

  it("says who may not call, and does not run the handler", async () => {
    const none = await test.call("POST", "/api/v1/things", { body: { name: "x" } });
    expect(none).toMatchObject({ status: 401, body: { error: { code: "AUTH_INVALID_KEY" } } });
    const wrong = await test.call("POST", "/api/v1/things", {
      body: { name: "x" },
      headers: { "x-api-key": "ak_wrong" },
    });
    expect(wrong.status).toBe(401);
  });

  it("answers a defect with INTERNAL_ERROR alone and logs its cause without the keys in it", async () => {
    const ada = await test.createDeveloper("ada@example.com");
    const answer = await ada.call("POST", "/api/v1/things", { name: "defect" });
    expect(answer).toMatchObject({ status: 500, body: { error: { code: "INTERNAL_ERROR" } } });
    expect(JSON.stringify(answer.body)).not.toContain("internals");
    const line = test.logLines.find((text) => text.includes("secret internals"));
    expect(line).toContain(answer.body.error.requestId);
    expect(line).not.toContain("sk_0123456789abcdef");
  });

  it("sends rate limit headers, and 429 with Retry-After beyond the limit", async () => {
    const ada = await test.createDeveloper("ada@example.com");
    const first = await ada.call("GET", "/api/v1/account");
    expect(first.headers.get("x-ratelimit-limit")).toBe("1000");
    const remaining = Number(first.headers.get("x-ratelimit-remaining"));
    expect(Number((await ada.call("GET", "/api/v1/account")).headers.get("x-ratelimit-remaining"))).toBe(remaining - 1);
    expect(Number(first.headers.get("x-ratelimit-reset"))).toBeGreaterThan(test.clock.now() / 1_000);
    for (let call = 0; call < remaining; call++) await ada.call("GET", "/api/v1/account");
    const refused = await ada.call("GET", "/api/v1/account");
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "RATE_LIMIT_EXCEEDED" } } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  it("keeps browsers from framing, sniffing and loading, and lets them call the data API from anywhere", async () => {
    const { headers } = await test.call("GET", "/api/v1/account");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'; frame-ancestors 'none'");
    expect([headers.get("referrer-policy"), headers.get("cache-control")]).toEqual(["no-referrer", "no-store"]);
    const ada = await test.createDeveloper("ada@example.com");
    expect((await ada.call("GET", "/api/v1/account")).headers.get("cache-control")).toBe("no-store");
    expect(headers.get("access-control-allow-origin")).toBeNull();
    const preflight = await test.call("OPTIONS", "/v1/db/query", {
      headers: { origin: "https://app.example", "access-control-request-method": "POST" },
    });
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
  });

  it("runs a repeat with the same Idempotency-Key once, for 24 hours", async () => {
    const ada = await test.createDeveloper("ada@example.com");
    const post = (name: string, key: string) =>
      test.call("POST", "/api/v1/things", {
        body: { name },
        headers: { "x-api-key": ada.accountKey, "idempotency-key": key },
      });
    const first = await post("one", "k1");
    const repeat = await post("one", "k1");
    expect(repeat).toMatchObject({ status: 201, body: first.body });
    expect(repeat.headers.get("idempotency-replayed")).toBe("true");
    expect((await post("one", "k2")).body.made).toBe(first.body.made + 1);
    expect(await post("two", "k1")).toMatchObject({ status: 422, body: { error: { code: "IDEMPOTENCY_KEY_REUSED" } } });
    test.clock.advance(24 * 60 * 60_000 + 1);
    expect((await post("one", "k1")).body.made).toBe(first.body.made + 2);
  });

  it("tells a simultaneous repeat to wait, keeps accounts apart, and lets a failed call be repeated", async () => {
    const ada = await test.createDeveloper("ada@example.com");
    const bob = await test.createDeveloper("bob@example.com");
    const post = (name: string, who: { accountKey: string }) =>
      test.call("POST", "/api/v1/things", {
        body: { name },
        headers: { "x-api-key": who.accountKey, "idempotency-key": "same" },
      });
    const both = await Promise.all([post("slow", ada), post("slow", ada)]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409]);
    expect((await post("other", bob)).status).toBe(201);
    const failing = () =>
      test.call("POST", "/api/v1/things", {
        body: { name: "defect" },
        headers: { "x-api-key": ada.accountKey, "idempotency-key": "fails" },
      });
    expect((await failing()).status).toBe(500);
    expect((await failing()).status).toBe(500);
  });
});
