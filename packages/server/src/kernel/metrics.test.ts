import { describe, expect, it } from "vitest";
import { createMetrics } from "./metrics.ts";

describe("metrics", () => {
  it("count from their activation on, and read gauges when they are asked", async () => {
    const metrics = createMetrics();
    const calls = metrics.counter({ name: "test_calls_total", help: "Calls.", labels: ["status"] });
    const seconds = metrics.histogram({ name: "test_seconds", help: "Time.", labels: [], buckets: [0.1, 1] });
    let open = 3;
    metrics.gauge({ name: "test_open", help: "Open.", labels: ["kind"] }, () => [
      { labels: { kind: "a" }, value: open },
    ]);
    calls.add({ status: 200 }, 100);
    await metrics.activate();
    calls.add({ status: 200 });
    calls.add({ status: 404 }, 2);
    seconds.observe({}, 0.5);
    open = 7;
    const { contentType, text } = await metrics.render();
    expect(contentType).toContain("text/plain");
    expect(text).toContain('test_calls_total{status="200"} 1');
    expect(text).toContain('test_calls_total{status="404"} 2');
    expect(text).toContain('test_seconds_bucket{le="1"} 1');
    expect(text).toContain('test_open{kind="a"} 7');
    expect(text).toContain("process_resident_memory_bytes");
  });
});
