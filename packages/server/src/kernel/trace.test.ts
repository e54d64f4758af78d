import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { InMemorySpanExporter } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { createTracer } from "./trace.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const PARENT_ID = "b7ad6b7169203331";

describe("tracing", () => {
  it("does nothing without an endpoint", async () => {
    const tracer = await createTracer({ endpoint: undefined, serviceVersion: "1" });
    expect(tracer.start({ name: "x", kind: "server" })).toBeUndefined();
    await tracer.close();
  });

  it("goes on with the trace of the caller and hands it on", async () => {
    const exporter = new InMemorySpanExporter();
    const tracer = await createTracer({ endpoint: undefined, serviceVersion: "1", exporter });
    const traceparent = `00-${TRACE_ID}-${PARENT_ID}-01`;
    const server = tracer.start({ name: "GET /f", kind: "server", traceparent, attributes: { "http.route": "/f" } });
    const client = tracer.start({ name: "function", kind: "client", parent: server });
    expect(server?.traceId).toBe(TRACE_ID);
    expect(client?.traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-[0-9a-f]{16}-01$`));
    client?.end({ failed: true });
    server?.set({ "http.response.status_code": 502 });
    server?.end();
    exporter.shutdown = async () => undefined;
    await tracer.close();
    const [child, parent] = exporter.getFinishedSpans();
    expect(parent?.parentSpanContext?.spanId).toBe(PARENT_ID);
    expect(parent?.attributes).toEqual({ "http.route": "/f", "http.response.status_code": 502 });
    expect(child?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);
    expect(child?.status.code).toBe(2);
  });

  it.each([
    "",
    "junk",
    `00-${"0".repeat(32)}-${PARENT_ID}-01`,
    `ff-${TRACE_ID}-${PARENT_ID}-01`,
    `00-${TRACE_ID}-${PARENT_ID}`,
  ])("starts a trace of its own for the header '%s'", async (traceparent) => {
    const tracer = await createTracer({
      endpoint: undefined,
      serviceVersion: "1",
      exporter: new InMemorySpanExporter(),
    });
    const span = tracer.start({ name: "x", kind: "server", traceparent });
    expect(span?.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(span?.traceId).not.toBe(TRACE_ID);
    await tracer.close();
  });

  it("sends spans to the collector's /v1/traces when it closes", async () => {
    const received: { url: string | undefined; body: string }[] = [];
    const collector = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on("data", (chunk: Buffer) => chunks.push(chunk));
      req.on("end", () => {
        received.push({ url: req.url, body: Buffer.concat(chunks).toString() });
        res.setHeader("content-type", "application/json").end("{}");
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
    const { port } = collector.address() as AddressInfo;
    const tracer = await createTracer({ endpoint: `http://127.0.0.1:${port}/`, serviceVersion: "9.9" });
    tracer.start({ name: "GET /healthz", kind: "server" })?.end();
    await tracer.close();
    collector.close();
    expect(received.map(({ url }) => url)).toEqual(["/v1/traces"]);
    expect(received[0]?.body).toContain("GET /healthz");
    expect(received[0]?.body).toContain("9.9");
  });
});
