import type { Span as OtelSpan, SpanKind } from "@opentelemetry/api";
import type { SpanExporter } from "@opentelemetry/sdk-trace";

type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A piece of work that is being traced. */
export interface Span {
  readonly traceId: string;
  /** For the next process: the W3C header that makes its spans children of this one. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  end(outcome?: { readonly failed: boolean }): void;
}

export interface StartSpan {
  readonly name: string;
  readonly kind: "server" | "client" | "internal";
  /** The W3C `traceparent` header that came with the request; one that is not well formed starts a new trace. */
  readonly traceparent?: string | undefined;
  readonly parent?: Span | undefined;
  readonly attributes?: Attributes;
}

/** Traces work, or nothing: `undefined` while tracing is off, so that callers write `span?.end()` and pay a comparison. */
export interface Tracer {
  start(options: StartSpan): Span | undefined;
  close(): Promise<void>;
}

export interface TracerOptions {
  /** Base URL of an OTLP collector; undefined switches tracing off. */
  readonly endpoint: string | undefined;
  readonly serviceVersion: string;
  /** For tests. */
  readonly exporter?: SpanExporter;
}

// W3C Trace Context, 3.2: version, trace id, parent id, flags. Ids of zeros are not valid.
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;
const TRACER_NAME = "aerostack";

const NO_TRACER: Tracer = { start: () => undefined, close: async () => undefined };

/** With no endpoint OpenTelemetry is not even loaded. */
export async function createTracer(options: TracerOptions): Promise<Tracer> {
  if (options.endpoint === undefined && options.exporter === undefined) return NO_TRACER;
  const [api, sdk, { resourceFromAttributes }, { OTLPTraceExporter }] = await Promise.all([
    import("@opentelemetry/api"),
    import("@opentelemetry/sdk-trace"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/exporter-trace-otlp-http"),
  ]);
  const exporter =
    options.exporter ?? new OTLPTraceExporter({ url: `${options.endpoint?.replace(/\/+$/, "")}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ "service.name": "aerostack", "service.version": options.serviceVersion }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer(TRACER_NAME, options.serviceVersion);
  const kinds: Readonly<Record<StartSpan["kind"], SpanKind>> = {
    server: api.SpanKind.SERVER,
    client: api.SpanKind.CLIENT,
    internal: api.SpanKind.INTERNAL,
  };

  function parentContext({ traceparent, parent }: StartSpan) {
    const match = TRACEPARENT.exec(parent?.traceparent ?? traceparent ?? "");
    const [, traceId, spanId, flags] = match ?? [];
    if (traceId === undefined || spanId === undefined || flags === undefined) return api.ROOT_CONTEXT;
    const isRemote = parent === undefined;
    return api.trace.setSpanContext(api.ROOT_CONTEXT, {
      traceId,
      spanId,
      traceFlags: Number.parseInt(flags, 16) & api.TraceFlags.SAMPLED,
      isRemote,
    });
  }

  function toSpan(span: OtelSpan): Span {
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      traceId,
      traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`,
      set: (attributes) => void span.setAttributes({ ...attributes }),
      end(outcome) {
        if (outcome?.failed === true) span.setStatus({ code: api.SpanStatusCode.ERROR });
        span.end();
      },
    };
  }

  return {
    start(start) {
      const attributes = { ...start.attributes };
      return toSpan(tracer.startSpan(start.name, { kind: kinds[start.kind], attributes }, parentContext(start)));
    },
    close: () => provider.shutdown(),
  };
}
