import { describe, expect, it } from "vitest";
import { createClient } from "./client.ts";
import { type Asked, startTestServer, type Told } from "./test-server.ts";

const USER = {
  id: "u1",
  email: "a@b.c",
  name: null,
  emailVerified: true,
  createdAt: "2026-01-01T00:00:00Z",
  customFields: {},
};
const inMs = (ms: number): string => new Date(Date.now() + ms).toISOString();
const HOUR_MS = 3_600_000;

/** Answers as the server does; tokens are numbered, and only the last is good. */
function users(lifetimeMs: number) {
  let issued = 0;
  return ({ path, headers, body }: Asked): Told => {
    const issue = (): Told => {
      issued++;
      return {
        body: {
          token: `t${issued}`,
          refreshToken: `r${issued}`,
          expiresAt: inMs(issued === 1 ? lifetimeMs : HOUR_MS),
          user: USER,
        },
      };
    };
    if (path.endsWith("/login")) return issue();
    if (path.endsWith("/refresh")) {
      return JSON.parse(body).refreshToken === `r${issued}`
        ? issue()
        : { status: 401, body: { code: "AUTH_TOKEN_INVALID" } };
    }
    if (headers.authorization !== `Bearer t${issued}`) return { status: 401, body: { code: "AUTH_TOKEN_EXPIRED" } };
    return { body: path.endsWith("/me") ? { user: USER } : { value: null, exists: false } };
  };
}

describe("a signed-in user's client", () => {
  it("sends the token with every request, and none when nobody is signed in", async () => {
    const server = await startTestServer(users(HOUR_MS));
    const client = createClient({ url: server.url, project: "shop" });
    await expect(client.auth.me()).rejects.toMatchObject({ code: "AUTH_TOKEN_INVALID" });
    await client.auth.login("a@b.c", "Secret-12");
    await client.cache.get("k");
    expect((await client.auth.me()).id).toBe("u1");
    expect(server.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ["/api/v1/public/projects/shop/auth/login", undefined],
      ["/v1/cache/get", "Bearer t1"],
      ["/api/v1/public/projects/shop/auth/me", "Bearer t1"],
    ]);
  });

  it("renews a token that is about to end, once for all requests that wait for it", async () => {
    const server = await startTestServer(users(1000));
    const client = createClient({ url: server.url, project: "shop" });
    await client.auth.login("a@b.c", "Secret-12");
    await Promise.all(Array.from({ length: 5 }, () => client.cache.get("k")));
    expect(server.asked.filter(({ path }) => path.endsWith("/refresh"))).toHaveLength(1);
    expect(server.asked.filter(({ headers }) => headers.authorization === "Bearer t2")).toHaveLength(5);
  });

  it("renews a token that the server refuses, and repeats the request", async () => {
    const server = await startTestServer((asked, count) =>
      count === 2 ? { status: 401, body: { code: "AUTH_TOKEN_EXPIRED" } } : answer(asked),
    );
    const answer = users(HOUR_MS);
    const client = createClient({ url: server.url, project: "shop" });
    await client.auth.login("a@b.c", "Secret-12");
    expect(await client.cache.get("k")).toBeNull();
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
      undefined,
      "Bearer t1",
      undefined,
      "Bearer t2",
    ]);
  });

  it("ends the session when its refresh token is refused, not when the network fails", async () => {
    let isDown = true;
    const answer = users(1000);
    const server = await startTestServer((asked) => {
      if (!asked.path.endsWith("/refresh")) return answer(asked);
      return isDown ? null : { status: 401, body: { code: "AUTH_TOKEN_INVALID" } };
    });
    const client = createClient({ url: server.url, project: "shop", maxRetries: 0 });
    const seen: (string | null)[] = [];
    client.auth.onChange((session) => seen.push(session?.accessToken ?? null));
    await client.auth.login("a@b.c", "Secret-12");
    await expect(client.auth.me()).rejects.toMatchObject({ code: "NETWORK_ERROR" });
    expect((await client.auth.session())?.accessToken).toBe("t1");
    isDown = false;
    await expect(client.auth.me()).rejects.toMatchObject({ status: 401 });
    expect(await client.auth.session()).toBeNull();
    expect(seen).toEqual(["t1", null]);
  });

  it("keeps the session where it is told to, and forgets it at the end even without the server", async () => {
    const store = {
      kept: null as unknown,
      load: () => null,
      save(session: unknown) {
        store.kept = session;
      },
    };
    const server = await startTestServer(users(HOUR_MS));
    const client = createClient({ url: server.url, project: "shop", sessionStore: store, maxRetries: 0 });
    await client.auth.login("a@b.c", "Secret-12");
    expect(store.kept).toMatchObject({ accessToken: "t1", refreshToken: "r1" });
    await server.close();
    await expect(client.auth.logout()).rejects.toMatchObject({ code: "NETWORK_ERROR" });
    expect(store.kept).toBeNull();
  });
});
