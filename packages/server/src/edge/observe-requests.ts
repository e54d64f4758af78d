import type { IncomingMessage, ServerResponse } from "node:http";
import type { Metrics } from "../kernel/metrics.ts";
import type { Tracer } from "../kernel/trace.ts";

export interface RequestObserverOptions {
  readonly metrics: Metrics;
  readonly tracer: Tracer;
}

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
/** What a path counts as: few labels, whatever clients ask for. The first that fits. */
const AREAS = [
  "/f/",
  "/v1/",
  "/api/v1/public/",
  "/api/v1/cli/",
  "/api/v1/",
  "/api/auth/",
  "/api/gateway/",
  "/api/",
] as const;

/** Counts, times and traces every request, the fast path's too; costs two comparisons where neither is switched on. */
export function createRequestObserver({ metrics, tracer }: RequestObserverOptions) {
  const requests = metrics.counter({
    name: "aerostack_http_requests_total",
    help: "Requests answered, by what they asked for.",
    labels: ["area", "method", "status"],
  });
  const durations = metrics.histogram({
    name: "aerostack_http_request_duration_seconds",
    help: "Time from a request's headers to the end of its answer.",
    labels: ["area"],
    buckets: BUCKETS_SECONDS,
  });

  return function observe(req: IncomingMessage, res: ServerResponse): void {
    const span = tracer.start({
      name: req.method ?? "GET",
      kind: "server",
      traceparent: single(req.headers.traceparent),
    });
    if (span === undefined && !metrics.active) return;
    const startedAtMs = performance.now();
    const area = areaOf(req);
    if (span !== undefined) {
      span.set({ "http.request.method": req.method ?? "GET", "url.path": pathOf(req), "aerostack.area": area });
      // Whoever handles the request hands its headers on: what comes after becomes part of this span.
      req.headers.traceparent = span.traceparent;
    }
    res.once("close", () => {
      const status = res.writableFinished ? res.statusCode : 499;
      requests.add({ area, method: methodLabel(req.method), status });
      durations.observe({ area }, (performance.now() - startedAtMs) / 1_000);
      span?.set({ "http.response.status_code": status });
      span?.end({ failed: status >= 500 });
    });
  };
}

function pathOf(req: IncomingMessage): string {
  const url = req.url ?? "/";
  const mark = url.indexOf("?");
  return mark === -1 ? url : url.slice(0, mark);
}

function areaOf(req: IncomingMessage): string {
  const url = req.url ?? "/";
  return AREAS.find((prefix) => url.startsWith(prefix)) ?? "other";
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

function methodLabel(method: string | undefined): string {
  return method !== undefined && METHODS.has(method) ? method : "other";
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
