import { type IncomingHttpHeaders, request } from "node:http";
import { corsRulesSchema, networkRulesSchema } from "@aerostack/contracts";
import { createManualClock } from "@aerostack/kernel";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { type FrontDoorSettings, NO_SETTINGS } from "../front-door/settings/front-door-settings.ts";
import { createRateWindow } from "../kernel/limiter/rate-window.ts";
import { createAddressGate } from "./address-gate.ts";
import type { AppEnv } from "./app-env.ts";
import { guardListener } from "./guarded-listener.ts";
import { type HttpServer, listen } from "./http-server.ts";
import { createProjectCors } from "./project-cors.ts";

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

/** A server with the project `shop`; `/f/shop/own` is a function that says its own headers, other paths of it say nothing. */
async function serve(ofShop: Partial<FrontDoorSettings>, ofInstallation: Partial<FrontDoorSettings> = {}) {
  const clock = createManualClock(1_800_000_000_000);
  const known = new Map([
    ["", { ...NO_SETTINGS, ...ofInstallation }],
    ["prj_shop", { ...NO_SETTINGS, ...ofShop }],
  ]);
  const settings = {
    of: (id: string) => known.get(id) ?? NO_SETTINGS,
    someMay: (test: (one: FrontDoorSettings) => boolean) => () => known.values().some(test),
  };
  const asked: string[] = [];
  const areaOf = async ({ url = "/" }) => {
    asked.push(url);
    const isFunction = url.startsWith("/f/");
    return { projectId: /^\/(?:f\/shop\/|v1\/)/.test(url) ? "prj_shop" : null, isApi: false, isFunction };
  };
  const window = createRateWindow({ clock, windowMs: 60_000, onError: () => undefined });
  const app = new Hono<AppEnv>();
  app.all("/v1/*", (c) => c.json({ reached: true }, 200, { "access-control-allow-origin": "*", vary: "Accept" }));
  app.all("*", (c) => c.text("page"));
  const server = await listen({
    app,
    host: "127.0.0.1",
    port: 0,
    ...guardListener(
      {
        blocks: () => null,
        letIn: () => undefined,
        gate: createAddressGate({
          settings,
          areaOf,
          callerOf: (req) => ({
            ip: String(req.headers["x-test-ip"] ?? "203.0.113.1"),
            region: (req.headers["x-test-country"] as string | undefined) ?? null,
          }),
          countAddress: (id, ip, limit) => window.hit(`${id} ${ip}`, limit),
          now: clock.now,
        }),
        cors: createProjectCors({ settings, areaOf }),
        firewall: { isRefused: () => false, isUpgradeRefused: () => false },
      },
      {
        onRequest(req, res) {
          if (req.url?.startsWith("/f/shop/own")) {
            res
              .writeHead(200, ["access-control-allow-origin", "https://own.example", "content-length", "3"])
              .end("own");
            return true;
          }
          if (!req.url?.startsWith("/f/")) return false;
          res.writeHead(req.method === "OPTIONS" ? 401 : 200, "fine", ["content-length", "4"]).end("said");
          return true;
        },
        onUpgrade(_req, socket) {
          socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n");
          return true;
        },
      },
    ),
  });
  servers.push(server);
  const ask = (path: string, headers: Record<string, string> = {}, method = "GET") =>
    new Promise<{ status: number; headers: IncomingHttpHeaders; body: string }>((resolve, reject) => {
      const sent = request({ port: server.port, host: "127.0.0.1", path, headers, method, agent: false });
      sent.once("upgrade", (answer, socket) => {
        socket.destroy();
        resolve({ status: 101, headers: answer.headers, body: "" });
      });
      sent.once("response", (answer) => {
        let body = "";
        answer.on("data", (chunk) => {
          body += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
      });
      sent.once("error", reject);
      sent.end();
    });
  return { ask, asked, clock };
}

const network = (given: object) => ({ network: networkRulesSchema.parse(given) });
const cors = (given: object) => ({ cors: corsRulesSchema.parse(given) });
const APP = { origin: "https://app.example.com" };

describe("P12 addresses and countries at the front door", () => {
  it("are refused with a code, to switch protocols too, and for that project alone", async () => {
    const { ask } = await serve(network({ denyAddresses: ["203.0.113.0/24"], denyCountries: ["FR"] }));
    const refused = await ask("/f/shop/hello");
    expect(refused).toMatchObject({ status: 403, body: expect.stringContaining("ADDRESS_REFUSED") });
    expect((await ask("/v1/x")).status).toBe(403);
    expect((await ask("/f/shop/chat", { connection: "Upgrade", upgrade: "x" })).status).toBe(403);
    expect((await ask("/f/other/hello")).status).toBe(200);
    expect((await ask("/f/shop/hello", { "x-test-ip": "192.0.2.1" })).status).toBe(200);
    expect((await ask("/f/shop/hello", { "x-test-ip": "192.0.2.1", "x-test-country": "FR" })).status).toBe(403);
    expect((await ask("/f/shop/hello", { "x-test-ip": "127.0.0.1" })).status).toBe(200);
  });

  it("are refused everywhere where the installation says so", async () => {
    const { ask } = await serve({}, network({ allowCountries: ["IE"] }));
    for (const path of ["/f/shop/hello", "/f/other/x", "/api/v1/projects", "/setup"]) {
      expect((await ask(path, { "x-test-country": "FR" })).status, path).toBe(403);
      expect((await ask(path, { "x-test-country": "IE" })).status, path).toBe(200);
    }
  });

  it("are counted by address where a project limits that, with a key or without", async () => {
    const { ask, clock } = await serve(network({ requestsPerMinutePerAddress: 2 }));
    expect((await ask("/f/shop/hello")).status).toBe(200);
    expect((await ask("/f/shop/hello", { "x-api-key": "sk_x" })).status).toBe(200);
    const third = await ask("/f/shop/hello");
    expect(third).toMatchObject({ status: 429, body: expect.stringContaining("RATE_LIMIT_EXCEEDED") });
    expect(Number(third.headers["retry-after"])).toBeGreaterThan(0);
    expect((await ask("/f/shop/hello", { "x-test-ip": "192.0.2.1" })).status).toBe(200);
    expect((await ask("/f/other/hello")).status).toBe(200);
    clock.advance(60_000);
    expect((await ask("/f/shop/hello")).status).toBe(200);
  });

  it("cost nothing where nobody has rules: nobody is looked up", async () => {
    const { ask, asked } = await serve({});
    await ask("/f/shop/hello", APP);
    expect(asked).toEqual([]);
  });
});

describe("pages of other origins", () => {
  it("are told what the project chose, by the platform's answers and by functions that say nothing", async () => {
    const { ask } = await serve(cors({ origins: [APP.origin], credentials: true, exposeHeaders: ["x-total"] }));
    for (const path of ["/f/shop/hello", "/v1/x"]) {
      const answer = await ask(path, APP);
      expect(answer.headers, path).toMatchObject({
        "access-control-allow-origin": APP.origin,
        "access-control-allow-credentials": "true",
        "access-control-expose-headers": "x-total",
        vary: expect.stringMatching(/Origin$/),
      });
      const other = await ask(path, { origin: "https://evil.example" });
      expect(other.status).toBe(200);
      expect(other.headers["access-control-allow-origin"], path).toBeUndefined();
      expect(other.headers["access-control-allow-credentials"], path).toBeUndefined();
    }
    expect((await ask("/v1/x", APP)).headers.vary).toBe("Accept, Origin");
    expect((await ask("/f/shop/hello", APP)).body).toBe("said");
  });

  it("hear what a function says itself, and the default of projects without rules", async () => {
    const { ask } = await serve(cors({ origins: [APP.origin] }));
    expect((await ask("/f/shop/own", APP)).headers["access-control-allow-origin"]).toBe("https://own.example");
    expect((await ask("/f/other/hello", APP)).headers["access-control-allow-origin"]).toBeUndefined();
    expect((await ask("/v1/x")).headers["access-control-allow-origin"]).toBe("*");
    const open = await serve({});
    expect((await open.ask("/v1/x", APP)).headers["access-control-allow-origin"]).toBe("*");
  });

  it("get an answer before they send: of functions that know nothing of it, without a key", async () => {
    const { ask } = await serve(
      cors({ origins: [APP.origin], methods: ["get", "put"], headers: ["x-mine"], maxAgeSeconds: 5 }),
    );
    const preflight = { ...APP, "access-control-request-method": "PUT" };
    for (const path of ["/f/shop/hello", "/v1/x"]) {
      const answer = await ask(path, preflight, "OPTIONS");
      expect(answer.headers, path).toMatchObject({
        "access-control-allow-origin": APP.origin,
        "access-control-allow-methods": "GET, PUT",
        "access-control-allow-headers": "x-mine",
        "access-control-max-age": "5",
      });
    }
    expect(await ask("/f/shop/hello", preflight, "OPTIONS")).toMatchObject({ status: 204, body: "" });
    const evil = await ask("/f/shop/hello", { ...preflight, origin: "https://evil.example" }, "OPTIONS");
    expect(evil.headers["access-control-allow-origin"]).toBeUndefined();
    expect((await ask("/f/shop/own", preflight, "OPTIONS")).body).toBe("own");
  });

  it("never get credentials with every origin", async () => {
    const { ask } = await serve(cors({ origins: ["*"] }));
    const { headers } = await ask("/f/shop/hello", APP);
    expect(headers["access-control-allow-origin"]).toBe("*");
    expect(headers["access-control-allow-credentials"]).toBeUndefined();
  });
});
