import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// The front door as it stands before everything else, from behind a trusted proxy: what it refuses is neither stored nor
// shown, and what others say of themselves is not believed.

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secret: string;
const ECHO = "export default { fetch: async (request) => new Response(await request.text() || 'hello') };";
const ATTACK = "q=1'%20UNION%20SELECT%20password%20FROM%20users--";
const WITHIN_A_SECOND_MS = 1_500;

beforeAll(async () => {
  server = await startServer({
    env: {
      ...UNLIMITED,
      AEROSTACK_TRUST_PROXY: "127.0.0.1",
      AEROSTACK_COUNTRY_HEADER: "X-Proxy-Country",
      AEROSTACK_SECURITY_CONTACT: "mailto:reports@example.com",
    },
  });
  developer = await createDeveloper(server);
  project = await developer.createProject("door");
  secret = (await developer.createKey(project)).secret;
  await developer.deploy(project, { name: "echo", worker: ECHO, isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
});

const at = (path: string): string => `/api/v1/projects/${project.id}${path}`;
const echo = (path = "/", init: RequestInit = {}) => fetch(developer.functionUrl(project, "echo", path), init);

/** Asks until the answer has that status: changes are in force within a second. */
async function soon(ask: () => Promise<{ readonly status: number }>, status: number): Promise<void> {
  const deadline = Date.now() + WITHIN_A_SECOND_MS;
  let seen = (await ask()).status;
  while (seen !== status && Date.now() < deadline) seen = (await ask()).status;
  expect(seen).toBe(status);
}

describe("P32 the firewall", () => {
  test("refuses what the project has refused, in addresses and in bodies, and lists it without what it said", async () => {
    expect((await echo(`/?${ATTACK}`)).status).toBe(200);
    await developer.call("PATCH", at("/firewall"), { mode: "block", inspectFunctionBodies: true });
    await soon(() => echo(`/?${ATTACK}`), 403);
    const post = (body: unknown) =>
      echo("/", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    const refused = await post({ comment: "<script>alert('stored-nowhere')</script>" });
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("WAF_BLOCKED")]);
    const kind = { comment: "O'Brien & Sons", list: Array.from({ length: 2_000 }, (_, n) => n) };
    expect(await (await post(kind)).text()).toBe(JSON.stringify(kind));
    const large = { text: `${"x".repeat(70_000)}<script>alert(1)</script>` };
    expect(await (await post(large)).text()).toBe(JSON.stringify(large));

    const cache = (value: string) =>
      fetch(`${server.url}/v1/cache/set`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-aerostack-key": secret },
        body: JSON.stringify({ key: "door", value }),
      });
    expect((await cache("1 UNION SELECT password FROM users")).status).toBe(403);
    expect((await cache("O'Brien selects a union")).status).toBe(200);
    const query = await fetch(`${server.url}/v1/db/query`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-aerostack-key": secret },
      body: JSON.stringify({ sql: "SELECT 1 AS a UNION SELECT 2" }),
    });
    expect(query.status).toBe(200);

    const { hits } = await developer.call<{ hits: { path: string; parameter: string; action: string }[] }>(
      "GET",
      at("/firewall/hits"),
    );
    expect(hits.map(({ action, parameter }) => `${action} ${parameter}`)).toEqual(
      expect.arrayContaining(["detected q", "blocked q", "blocked comment", "blocked value"]),
    );
    expect(JSON.stringify(hits)).not.toMatch(/stored-nowhere|UNION SELECT/);
    expect(server.output()).not.toContain("stored-nowhere");
    await developer.call("PATCH", at("/firewall"), { mode: null, inspectFunctionBodies: false });
  });

  test("stores nothing of a management request that it refuses", async () => {
    const name = "<script>alert('nowhere')</script>";
    await expect(developer.call("PATCH", at(""), { name })).rejects.toMatchObject({ status: 403 });
    const shown = await developer.call<{ project: { name: string } }>("GET", at(""));
    expect(shown.project.name).toBe("door");
  });
});

describe("P12 who calls", () => {
  test("is who the trusted proxy saw last, whatever stands before, and a country is the one header's that is declared", async () => {
    await developer.call("PUT", at("/network"), { denyAddresses: ["203.0.113.7"], denyCountries: ["FR"] });
    const from = (headers: Record<string, string>) => send(developer.functionUrl(project, "echo"), { headers });
    await soon(() => from({ "x-forwarded-for": "203.0.113.7" }), 403);
    const refused = await from({ "x-forwarded-for": "203.0.113.7" });
    expect(refused.body).toContain("ADDRESS_REFUSED");
    for (const forwardedFor of [
      "8.8.8.8, 203.0.113.7",
      "unknown, 203.0.113.7",
      "127.0.0.1,203.0.113.7",
      "x,y, 203.0.113.7:4711",
    ]) {
      expect((await from({ "x-forwarded-for": forwardedFor })).status, forwardedFor).toBe(403);
    }
    expect((await from({ "x-forwarded-for": "203.0.113.7, 8.8.8.8" })).status).toBe(200);
    // Neither of these says who calls.
    const others = { forwarded: "for=8.8.8.8", "x-real-ip": "8.8.8.8", "cf-connecting-ip": "8.8.8.8" };
    expect((await from({ ...others, "x-forwarded-for": "203.0.113.7" })).status).toBe(403);
    expect((await from({ "x-forwarded-for": "8.8.8.8", "x-proxy-country": "FR" })).status).toBe(403);
    for (const name of ["cf-ipcountry", "x-country-code", "x-vercel-ip-country", "cloudfront-viewer-country"]) {
      expect((await from({ "x-forwarded-for": "8.8.8.8", [name]: "FR" })).status, name).toBe(200);
    }
    // The people who manage the project are let in from anywhere.
    expect(
      (
        await send(`${server.url}${at("")}`, {
          headers: { "x-api-key": developer.accountKey, "x-forwarded-for": "203.0.113.7" },
        })
      ).status,
    ).toBe(200);
    await developer.call("PUT", at("/network"), {});
  });
});

describe("pages of other origins", () => {
  test("may what the project chose: its functions, its API and the log-in of its users", async () => {
    const origin = "https://app.example.com";
    await developer.call("PUT", at("/cors"), { origins: [origin], credentials: true });
    const ask = (path: string, headers: Record<string, string>, method = "GET") =>
      send(`${server.url}${path}`, { method, headers });
    const fn = `/f/${project.slug}/echo`;
    const auth = `/api/v1/public/projects/${project.slug}/auth/config`;
    await soon(
      async () => ({ status: (await ask(fn, { origin })).headers["access-control-allow-origin"] === origin ? 1 : 0 }),
      1,
    );
    for (const [path, headers] of [
      [fn, {}],
      [auth, {}],
      ["/v1/cache/get", { "x-aerostack-key": secret }],
    ] as const) {
      const named = await ask(path, { ...headers, origin });
      expect(named.headers["access-control-allow-origin"], path).toBe(origin);
      expect(named.headers["access-control-allow-credentials"], path).toBe("true");
      const evil = await ask(path, { ...headers, origin: "https://evil.example" });
      expect(evil.headers["access-control-allow-origin"], path).toBeUndefined();
    }
    const preflight = { origin, "access-control-request-method": "POST" };
    for (const path of [fn, auth]) {
      const answer = await ask(path, preflight, "OPTIONS");
      expect(answer.headers["access-control-allow-methods"], path).toContain("POST");
    }
    await developer.call("DELETE", at("/cors"));
  });
});

describe("hosts, paths and line breaks", () => {
  test("lead nobody elsewhere, and nothing of them is shown or a failure of ours", async () => {
    const hosts = [
      "evil.example",
      "evil.example:80",
      "localhost@evil.example",
      "evil.example/..",
      "a b",
      "[::1",
      "-",
      "127.0.0.1.evil.example",
    ];
    const paths = [
      "/",
      "/setup",
      "/api/docs",
      "/f/door/echo",
      "//evil.example/%2f..",
      "/\\evil.example",
      "/setup?next=//evil.example",
      "/f/../../etc/passwd",
      "/storage/door/..%2f..%2fetc%2fpasswd",
      "/%0d%0aSet-Cookie:x=1",
      "/f/door/echo?x=%0d%0aLocation:%20//evil.example",
    ];
    for (const host of hosts) {
      for (const path of paths) {
        const answer = await send(server.url, { path, headers: { host } });
        const where = `${host} ${path}`;
        expect(answer.status, where).toBeLessThan(500);
        expect(answer.headers["set-cookie"], where).toBeUndefined();
        expect(answer.headers.location ?? "", where).not.toMatch(/evil/);
        expect(answer.body, where).not.toMatch(/root:|evil\.example/);
      }
    }
  });

  test("with too many headers, or too large ones, are refused in words", async () => {
    const many = Object.fromEntries(Array.from({ length: 120 }, (_, n) => [`x-h${n}`, "1"]));
    const tooMany = await send(developer.functionUrl(project, "echo"), { headers: many });
    expect([tooMany.status, tooMany.body]).toEqual([431, expect.stringContaining("HEADERS_TOO_LARGE")]);
    const tooLarge = await send(developer.functionUrl(project, "echo"), { headers: { "x-large": "x".repeat(20_000) } });
    expect([tooLarge.status, tooLarge.body]).toEqual([431, expect.stringContaining("HEADERS_TOO_LARGE")]);
  });
});

describe("pages of the server itself", () => {
  test.each(["/setup", "/device", "/reset-password", "/verify-email", "/api/docs"])(
    "P19 %s loads nothing from anywhere, runs nothing that was put into it, and is in nobody's frame",
    async (path) => {
      const answer = await send(`${server.url}${path}`);
      expect(answer.status).toBe(200);
      const policy = String(answer.headers["content-security-policy"]);
      expect(policy).toMatch(/default-src 'none'/);
      expect(policy).toMatch(/frame-ancestors 'none'/);
      expect(policy).not.toMatch(/unsafe|\*|https?:/);
      expect(answer.headers).toMatchObject({ "x-content-type-options": "nosniff", "referrer-policy": "no-referrer" });
      expect(answer.headers["set-cookie"]).toBeUndefined();
      // Neither a handler in an attribute nor a script without the page's own nonce.
      expect(answer.body).not.toMatch(/\son[a-z]+\s*=\s*["']/i);
      for (const [tag] of answer.body.matchAll(/<script[^>]*>/g)) expect(tag).toMatch(/nonce="/);
      for (const [, address] of answer.body.matchAll(/(?:src|href)="(https?:)?\/\/[^"]*"/g))
        expect(address).toBeUndefined();
    },
  );

  test("P33 security.txt names whom to tell, and is not out of date", async () => {
    const { status, body } = await send(`${server.url}/.well-known/security.txt`);
    expect(status).toBe(200);
    expect(body).toContain("Contact: mailto:reports@example.com");
    expect(Date.parse(/^Expires: (.+)$/m.exec(body)?.[1] ?? "")).toBeGreaterThan(Date.now());
  });
});
