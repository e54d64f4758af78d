import { connect } from "node:net";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace";
import { Hono } from "hono";
import { afterEach, describe, expect, it } from "vitest";
import { createLifecycle } from "../kernel/lifecycle.ts";
import { createLogger } from "../kernel/log.ts";
import { createMetrics } from "../kernel/metrics.ts";
import { StartError } from "../kernel/start-error.ts";
import { createTracer } from "../kernel/trace.ts";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { openControlSqlite } from "../testing-database.ts";
import type { AppEnv } from "./app-env.ts";
import { createHealth } from "./health.ts";
import { type HttpServer, type HttpServerOptions, listen } from "./http-server.ts";
import { openMetricsPort } from "./metrics-routes.ts";
import { createRequestObserver } from "./observe-requests.ts";

const LONG_MS = 20_000;

describe("the HTTP server", () => {
  const servers: HttpServer[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close(0);
  });

  async function start(app: Hono<AppEnv>, options: Partial<HttpServerOptions> = {}) {
    const server = await listen({ app, host: "127.0.0.1", port: 0, ...options });
    servers.push(server);
    return { server, origin: `http://127.0.0.1:${server.port}` };
  }

  it("shows its own path to the fast handler first, and everything else to the application", async () => {
    const app = new Hono<AppEnv>();
    app.get("*", (c) => c.text("application"));
    const { origin } = await start(app, {
      onRequest(req, res) {
        if (req.url !== "/fast") return false;
        res.end("fast");
        return true;
      },
    });
    expect(await (await fetch(`${origin}/fast`)).text()).toBe("fast");
    expect(await (await fetch(`${origin}/slow`)).text()).toBe("application");
  });

  it("lets a running request end when it closes, takes no new ones, and does not wait for idle connections", async () => {
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let entered = () => {};
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const app = new Hono<AppEnv>();
    app.get("/running", async (c) => {
      entered();
      await gate;
      return c.text("finished");
    });
    app.get("/idle", (c) => c.text("idle"));
    const { server, origin } = await start(app);
    await (await fetch(`${origin}/idle`)).text();
    const running = fetch(`${origin}/running`);
    await inside;
    const closed = server.close(LONG_MS);
    await expect(fetch(`${origin}/idle`)).rejects.toThrow();
    release();
    expect(await (await running).text()).toBe("finished");
    await closed;
  });

  it("cuts what has not ended when the time to drain is over", async () => {
    const app = new Hono<AppEnv>();
    let entered = () => {};
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    app.get("/never", () => {
      entered();
      return new Promise<Response>(() => undefined);
    });
    const { server, origin } = await start(app);
    const running = fetch(`${origin}/never`);
    const failed = expect(running).rejects.toThrow();
    await inside;
    await server.close(1);
    await failed;
  });

  it("refuses upgrades that nobody takes", async () => {
    const { server } = await start(new Hono<AppEnv>());
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(server.port, "127.0.0.1", () => {
        socket.write("GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n");
      });
      socket.once("data", (data) => resolve(data.toString()));
    });
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });

  it("says which port is in use instead of showing a stack", async () => {
    const { server } = await start(new Hono<AppEnv>());
    const second = listen({ app: new Hono<AppEnv>(), host: "127.0.0.1", port: server.port });
    await expect(second).rejects.toThrow(StartError);
    await expect(second).rejects.toThrow(`port ${server.port} on 127.0.0.1 is in use`);
  });

  it("is ready while every part answers, and not while one fails or it drains", async () => {
    const health = createHealth("1.2.3");
    let works = true;
    health.addCheck("database", async () => {
      if (!works) throw new Error("gone");
    });
    const app = new Hono<AppEnv>();
    health.addRoutes(app);
    const probe = async (path: string) => {
      const answer = await app.request(path);
      return [answer.status, await answer.json()];
    };
    expect(await probe("/healthz")).toEqual([200, { status: "ok", version: "1.2.3" }]);
    expect(await probe("/readyz")).toEqual([200, { status: "ready", checks: { database: "ok" } }]);
    works = false;
    expect(await probe("/readyz")).toEqual([503, { status: "not ready", checks: { database: "failed" } }]);
    works = true;
    health.startDraining();
    expect(await probe("/readyz")).toEqual([503, { status: "draining", checks: { database: "ok" } }]);
    expect((await probe("/healthz"))[0]).toBe(200);
  });

  it("limits clients behind a trusted proxy by their own addresses", async () => {
    const cleanups: (() => Promise<void>)[] = [];
    const { app } = await createTestApp(await openControlSqlite(cleanups), { trustProxy: ["127.0.0.0/8"] });
    const { origin } = await start(app);
    const register = async (address: string, name: string) => {
      const body = JSON.stringify({ email: `${name}@example.com`, password: TEST_PASSWORD, ageConfirmed: true });
      const headers = { "content-type": "application/json", "x-forwarded-for": address };
      return (await fetch(`${origin}/api/auth/register`, { method: "POST", headers, body })).status;
    };
    for (const name of ["a", "b", "c", "d", "e"]) expect(await register("203.0.113.1", name)).toBe(201);
    expect(await register("203.0.113.1", "f")).toBe(429);
    expect(await register("6.6.6.6, 203.0.113.1", "f")).toBe(429);
    expect(await register("203.0.113.2", "f")).toBe(201);
    for (const cleanup of cleanups) await cleanup();
  });

  it("counts and traces every request, with the trace handed on in its headers", async () => {
    const metrics = createMetrics();
    const exporter = new InMemorySpanExporter();
    exporter.shutdown = async () => undefined;
    const tracer = await createTracer({ endpoint: undefined, serviceVersion: "1", exporter });
    const lifecycle = createLifecycle(createLogger({ level: "silent" }));
    const observe = createRequestObserver({ metrics, tracer });
    const metricsPort = await openMetricsPort({ host: "127.0.0.1", metricsPort: 0 }, metrics, lifecycle);
    const seen: (string | undefined)[] = [];
    const { origin } = await start(new Hono<AppEnv>(), {
      observe,
      onRequest(req, res) {
        seen.push(req.headers.traceparent as string | undefined);
        res.writeHead(req.url === "/f/p/fails" ? 502 : 200).end();
        return true;
      },
    });
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await fetch(`${origin}/f/p/works?apiKey=sk_1`, { headers: { traceparent } });
    await fetch(`${origin}/f/p/fails`);
    await fetch(`${origin}/x`, { method: "PROPFIND" });
    await tracer.close();
    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    await lifecycle.close();
    expect(text).toContain('aerostack_http_requests_total{area="/f/",method="GET",status="200"} 1');
    expect(text).toContain('aerostack_http_requests_total{area="/f/",method="GET",status="502"} 1');
    expect(text).toContain('aerostack_http_requests_total{area="other",method="other",status="200"} 1');
    expect(text).toContain('aerostack_http_request_duration_seconds_count{area="/f/"} 2');
    const [works, fails] = exporter.getFinishedSpans();
    expect(seen[0]).toBe(`00-0af7651916cd43dd8448eb211c80319c-${works?.spanContext().spanId}-01`);
    expect(works?.attributes).toMatchObject({ "url.path": "/f/p/works", "http.response.status_code": 200 });
    expect(fails?.status.code).toBe(2);
  });
});
