import { createRemoteJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// End-user auth as the public clients call it: no key, the access token as Bearer, every answer with a JSON body.

/** A PNG of one pixel. */
const PIXEL = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const PASSWORD = "Correct-Horse-7";
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let serial = 0;

beforeAll(async () => {
  // Each call comes from an address of its own, as users do, so that limits per address are not what is tested.
  server = await startServer({ env: { ...UNLIMITED, AEROSTACK_TRUST_PROXY: "127.0.0.1" } });
  developer = await createDeveloper(server);
  project = await developer.createProject("Wire Auth");
});
afterAll(async () => {
  await server?.dispose();
});

interface Answer {
  readonly status: number;
  readonly headers: Awaited<ReturnType<typeof send>>["headers"];
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape, asserted as they are found
  readonly body: any;
}

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  serial++;
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await send(`${server.url}${path}`, {
    method,
    headers: {
      ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      "x-forwarded-for": `10.1.${serial >> 8}.${serial & 255}`,
      origin: "https://app.example.com",
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
  });
  return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.body) } satisfies Answer;
}

function auth(method: string, path: string, body?: unknown, token?: string, ref = project.slug): Promise<Answer> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return call(method, `/api/v1/public/projects/${ref}/auth${path}`, body, headers);
}

const newEmail = () => `user-${++serial}@example.com`;

async function register(email = newEmail()) {
  const { body } = await auth("POST", "/register", { email, password: PASSWORD });
  return { email, ...body } as { email: string; token: string; refreshToken: string; user: { id: string } };
}

interface Message {
  readonly to: string;
  readonly text: string;
}

/** The newest message of a kind to somebody; what an answer does not wait for comes a moment later. */
async function messageTo(to: string, kind: string): Promise<Message> {
  return await pollUntil(`a message ${kind} to ${to}`, async () => {
    const { messages } = await developer.call<{ messages: { kind: string; message: Message }[] }>(
      "GET",
      `/api/v1/projects/${project.id}/auth/outbox`,
    );
    return messages.find((one) => one.kind === kind && one.message.to === to)?.message;
  });
}

const tokenOf = ({ text }: Message) => /token=(\w+)/.exec(text)?.[1];

describe("end-user auth on the wire", () => {
  it("W2.3-register answers tokens and the user in every spelling", async () => {
    const email = newEmail();
    const answer = await auth("POST", "/register", {
      email,
      password: PASSWORD,
      name: "Ada",
      customFields: { plan: "pro" },
    });
    expect(answer.status).toBe(201);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    const { token, accessToken, refreshToken, expiresAt, user, ...rest } = answer.body;
    expect(rest).toEqual({ success: true });
    expect(accessToken).toBe(token);
    expect(refreshToken).toMatch(/^rt_/);
    expect(expiresAt).toMatch(ISO);
    expect(user).toEqual({
      id: expect.stringMatching(UUID),
      email,
      name: "Ada",
      phone: null,
      avatarUrl: null,
      avatar_url: null,
      emailVerified: false,
      email_verified_at: null,
      phoneVerified: false,
      isAnonymous: false,
      customFields: { plan: "pro" },
      profile_extras: { plan: "pro" },
      metadata: {},
      createdAt: expect.stringMatching(ISO),
      created_at: user.createdAt,
      updatedAt: expect.stringMatching(ISO),
      updated_at: user.updatedAt,
    });
  });

  it("W2.3-register says in every spelling what is wrong: 409 for an address that is taken, 400 for a weak password", async () => {
    const { email } = await register();
    const taken = await auth("POST", "/register", { email, password: PASSWORD });
    expect(taken.status).toBe(409);
    expect(taken.body).toMatchObject({ code: "AUTH_USER_EXISTS", message: expect.any(String) });
    expect(taken.body.error).toBe(taken.body.message);
    const weak = await auth("POST", "/register", { email: newEmail(), password: "weak" });
    expect(weak).toMatchObject({
      status: 400,
      body: {
        code: "AUTH_PASSWORD_WEAK",
        field: "password",
        details: { fieldErrors: { password: [expect.any(String)] }, suggestion: expect.any(String) },
      },
    });
  });

  it("W2.3-login answers by slug and by id, and refuses wrong passwords with 401", async () => {
    const { email, user } = await register();
    for (const ref of [project.slug, project.id]) {
      const answer = await auth("POST", "/login", { email, password: PASSWORD }, undefined, ref);
      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ success: true, user: { id: user.id }, refreshToken: expect.any(String) });
    }
    const wrong = await auth("POST", "/login", { email, password: "Wrong-Word-1" });
    expect(wrong).toMatchObject({ status: 401, body: { code: "AUTH_INVALID_CREDENTIALS" } });
    const nowhere = await auth("POST", "/login", { email, password: PASSWORD }, undefined, "no-such-project");
    expect(nowhere).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
  });

  it("W2.3-refresh rotates: the new token works, the old one ends the family", async () => {
    const { refreshToken } = await register();
    const second = await auth("POST", "/refresh", { refreshToken });
    expect(second.status).toBe(200);
    expect(second.body.accessToken).toBe(second.body.token);
    const again = await auth("POST", "/refresh", { refreshToken });
    expect(again).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_INVALID" } });
    expect((await auth("POST", "/refresh", { refreshToken: second.body.refreshToken })).status).toBe(401);
  });

  it("W2.3-logout takes the token in the header or the body and answers JSON", async () => {
    const inHeader = await register();
    const first = await auth("POST", "/logout", { accessToken: inHeader.token }, inHeader.token);
    expect(first).toMatchObject({ status: 200, body: { success: true } });
    expect((await auth("GET", "/me", undefined, inHeader.token)).status).toBe(401);
    const inBody = await register();
    expect((await auth("POST", "/logout", { accessToken: inBody.token })).status).toBe(200);
    expect((await auth("POST", "/refresh", { refreshToken: inBody.refreshToken })).status).toBe(401);
  });

  it("W2.3-me answers the user both as `user` and as the object itself", async () => {
    const { token, email, user } = await register();
    const answer = await auth("GET", "/me", undefined, token);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ id: user.id, email, profile_extras: {}, user: { id: user.id, email } });
    const without = await auth("GET", "/me");
    expect(without).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_INVALID", error: expect.any(String) } });
  });

  it("W2.3-otp-send answers alike for users and strangers, without saying which; W2.3-otp-verify logs in", async () => {
    const known = await register();
    const first = await auth("POST", "/otp/send", { email: known.email });
    expect(first).toMatchObject({ status: 200, body: { success: true, message: expect.any(String) } });
    expect((await auth("POST", "/otp/send", { email: newEmail() })).body).toEqual(first.body);
    const code = /\b\d{6}\b/.exec((await messageTo(known.email, "otp-email")).text)?.[0];
    const wrong = await auth("POST", "/otp/verify", {
      email: known.email,
      code: code === "000000" ? "1".repeat(6) : "000000",
    });
    expect(wrong).toMatchObject({ status: 401, body: { code: "AUTH_OTP_INVALID" } });
    const answer = await auth("POST", "/otp/verify", { email: known.email, code });
    expect(answer).toMatchObject({ status: 200, body: { success: true, user: { id: known.user.id } } });
    expect(answer.body.accessToken).toBe(answer.body.token);
  });

  it("P31 a stranger who types three wrong codes is locked out for 60 minutes, and the owner at home is not", async () => {
    const { email } = await register();
    const from = (ip: string, path: string, body: unknown) =>
      call("POST", `/api/v1/public/projects/${project.slug}/auth${path}`, body, { "x-forwarded-for": ip });
    const mailedCodes = new Set<string>();
    const codeFrom = async (ip: string) => {
      expect((await from(ip, "/otp/send", { email })).status).toBe(200);
      const text = await pollUntil("a code that was not there before", async () => {
        const { text } = await messageTo(email, "otp-email");
        return mailedCodes.has(text) ? undefined : text;
      });
      mailedCodes.add(text);
      return /\b\d{6}\b/.exec(text)?.[0] ?? "";
    };
    const home = "192.0.2.7";
    expect((await from(home, "/otp/verify", { email, code: await codeFrom(home) })).status).toBe(200);
    const code = await codeFrom("198.51.100.1");
    const wrong = code === "000000" ? "000001" : "000000";
    const guesses = [];
    for (const network of [1, 2, 3, 4])
      guesses.push(await from(`198.51.${network}.1`, "/otp/verify", { email, code: wrong }));
    // The log-in at home was one of the three in five minutes that may come from where nobody was known.
    expect(guesses.map(({ status }) => status)).toEqual([401, 401, 429, 429]);
    expect((await from("192.0.2.8", "/otp/verify", { email, code: await codeFrom("192.0.2.9") })).status).toBe(200);
  });

  it("W2.3-otp-send and W2.3-otp-verify take a phone number", async () => {
    const phone = "+14155550199";
    expect((await auth("POST", "/otp/send", { phone })).status).toBe(200);
    const code = /\b\d{6}\b/.exec((await messageTo(phone, "otp-phone")).text)?.[0];
    const answer = await auth("POST", "/otp/verify", { phone, code });
    expect(answer).toMatchObject({
      status: 200,
      body: { user: { phone, email: expect.stringMatching(/@users\.invalid$/) } },
    });
  });

  it("W2.3-verify-email is a GET with the token of the mail; W2.3-resend-verification sends another", async () => {
    const { email, token } = await register();
    const resent = await auth("POST", "/resend-verification", { email });
    expect(resent).toMatchObject({ status: 200, body: { success: true } });
    const link = await messageTo(email, "verify-email");
    const answer = await auth("GET", `/verify-email?token=${tokenOf(link)}`);
    expect(answer).toMatchObject({ status: 200, body: { success: true, message: expect.any(String) } });
    expect((await auth("GET", "/me", undefined, token)).body.emailVerified).toBe(true);
    const again = await auth("GET", `/verify-email?token=${tokenOf(link)}`);
    expect(again).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_INVALID" } });
  });

  it("W2.3-reset-password-request and W2.3-reset-password set a new password and end every session", async () => {
    const { email, token } = await register();
    const requested = await auth("POST", "/reset-password-request", { email });
    expect(requested).toMatchObject({ status: 200, body: { success: true } });
    expect((await auth("POST", "/reset-password-request", { email: newEmail() })).body).toEqual(requested.body);
    const body = { token: tokenOf(await messageTo(email, "reset-password")), newPassword: "Another-Word-9" };
    expect(await auth("POST", "/reset-password", body)).toMatchObject({ status: 200, body: { success: true } });
    expect((await auth("GET", "/me", undefined, token)).status).toBe(401);
    expect((await auth("POST", "/login", { email, password: body.newPassword })).status).toBe(200);
    const again = await auth("POST", "/reset-password", body);
    expect(again).toMatchObject({ status: 400, body: { code: "AUTH_RESET_TOKEN_INVALID" } });
  });

  it("W2.3-update-me changes name, avatar_url and customFields, and answers the user in both forms", async () => {
    const { token } = await register();
    const change = { name: "Ada", avatar_url: "https://cdn.example.com/a.png", customFields: { plan: "pro" } };
    const answer = await auth("PATCH", "/me", change, token);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ name: "Ada", user: { name: "Ada", profile_extras: { plan: "pro" } } });
    expect(answer.body.avatar_url).toBe("https://cdn.example.com/a.png");
    expect((await auth("PATCH", "/me", change)).status).toBe(401);
  });

  it("W2.3-update-me takes the id of an uploaded picture, which everybody may see", async () => {
    const { token } = await register();
    const form = new FormData();
    form.set("file", new Blob([PIXEL], { type: "image/png" }), "me.png");
    const url = `${server.url}/api/v1/public/projects/${project.slug}/auth/me/avatar`;
    const uploaded = await fetch(url, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: form });
    expect(uploaded.status).toBe(200);
    const { avatar_image_id, avatar_url } = (await uploaded.json()) as { avatar_image_id: string; avatar_url: string };
    const answer = await auth("PATCH", "/me", { avatar_image_id }, token);
    expect(answer).toMatchObject({ status: 200, body: { avatar_url } });
    const picture = await fetch(avatar_url);
    expect([picture.status, picture.headers.get("content-type")]).toEqual([200, "image/webp"]);
    expect((await picture.arrayBuffer()).byteLength).toBeGreaterThan(0);
  });

  it("W2.3-delete-avatar answers a message", async () => {
    const { token } = await register();
    await auth("PATCH", "/me", { avatar_url: "https://cdn.example.com/a.png" }, token);
    const answer = await auth("DELETE", "/me/avatar", undefined, token);
    expect(answer).toMatchObject({ status: 200, body: { message: expect.any(String) } });
    expect((await auth("GET", "/me", undefined, token)).body.avatar_url).toBeNull();
  });

  it("answers a browser's question before the call", async () => {
    const answer = await send(`${server.url}/api/v1/public/projects/${project.slug}/auth/me`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example.com",
        "access-control-request-method": "PATCH",
        "access-control-request-headers": "authorization,content-type,x-request-id",
      },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.headers["access-control-allow-methods"]).toContain("PATCH");
    expect(answer.headers["access-control-allow-headers"]).toContain("authorization");
  });

  it("P30 publishes the keys that end users' access tokens are checked with", async () => {
    const { token, user } = await register();
    const issuer = `${server.url}/api/v1/public/projects/${project.id}/auth`;
    const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`));
    const { payload } = await jwtVerify(token, keys, { issuer, audience: project.id });
    expect(payload.sub).toBe(user.id);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(15 * 60);
  });
});

describe("end users of the data plane", () => {
  it("W2.1-3 POST /v1/auth/signup answers 201 with token, user and expiresAt", async () => {
    const { secret } = await developer.createKey(project, "public");
    const email = newEmail();
    const body = { email, password: PASSWORD, name: "Ada", metadata: { from: "app" } };
    const answer = await call("POST", "/v1/auth/signup", body, { "x-aerostack-key": secret });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      token: expect.any(String),
      refreshToken: expect.any(String),
      expiresAt: expect.stringMatching(ISO),
      user: {
        id: expect.stringMatching(UUID),
        email,
        name: "Ada",
        createdAt: expect.stringMatching(ISO),
        metadata: { from: "app" },
      },
    });
    const again = await call("POST", "/v1/auth/signup", body, { "x-aerostack-key": secret });
    expect(again.status).toBe(409);
    expect(Object.keys(again.body).sort()).toEqual(["code", "details", "message"]);
    expect(again.body.details.code).toBe("AUTH_USER_EXISTS");
    expect((await call("POST", "/v1/auth/signup", body)).status).toBe(401);
  });

  it("W2.1-4 POST /v1/auth/signin answers 200, and 401 in the flat shape for a wrong password", async () => {
    const { secret } = await developer.createKey(project, "secret");
    const { email, user } = await register();
    const signin = (password: string) =>
      call("POST", "/v1/auth/signin", { email, password }, { "x-aerostack-key": secret });
    const answer = await signin(PASSWORD);
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({ user: { id: user.id, email, metadata: {} }, token: expect.any(String) });
    const wrong = await signin("Wrong-Word-1");
    expect(wrong).toMatchObject({ status: 401, body: { code: "AUTH_INVALID_CREDENTIALS" } });
    expect(Object.keys(wrong.body).sort()).toEqual(["code", "details", "message"]);
  });
});

describe("the project's log", () => {
  it("P2 has a line of every call of its end users: endpoint, method, status, latency, address; no token, code or body", async () => {
    const email = "logged@example.com";
    const { body } = await auth("POST", "/register", { email, password: PASSWORD });
    await auth("GET", "/me?token=in-the-query", undefined, body.token);
    await auth("POST", "/login", { email, password: "Wrong-Horse-7" });
    interface Line {
      readonly path: string | null;
    }
    const { lines, text } = await pollUntil("the lines of three calls", async () => {
      const page: { logs: Line[] } = await developer.call("GET", `/api/v1/projects/${project.id}/logs?limit=200`);
      const text = JSON.stringify(page.logs);
      return text.includes("/auth/login") && text.includes("/auth/me") ? { lines: page.logs, text } : undefined;
    });
    const path = `/api/v1/public/projects/${project.slug}/auth`;
    const shared = { kind: "request", ip: expect.stringMatching(/^10\.1\./), latencyMs: expect.any(Number) };
    for (const line of [
      { ...shared, method: "POST", path: `${path}/register`, status: 201, level: "info" },
      { ...shared, method: "GET", path: `${path}/me`, status: 200, level: "info" },
      { ...shared, method: "POST", path: `${path}/login`, status: 401, level: "warn" },
    ]) {
      expect(lines).toContainEqual(expect.objectContaining(line));
    }
    for (const secret of [email, PASSWORD, "Wrong-Horse-7", body.token, body.refreshToken, "in-the-query"]) {
      expect(text).not.toContain(secret);
    }
  });
});
