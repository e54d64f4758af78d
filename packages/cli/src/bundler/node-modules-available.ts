/**
 * From which compatibility date the runtime has a module of Node's, given `nodejs_compat`. Tried against workerd
 * 2026-11-17 by importing each one at the dates of its compatibility table.
 */
const AVAILABLE_FROM: Readonly<Record<string, string>> = {
  http: "2025-08-15",
  https: "2025-08-15",
  http2: "2025-09-01",
  fs: "2025-09-15",
  "fs/promises": "2025-09-15",
  os: "2025-09-15",
  console: "2025-10-01",
  vm: "2025-10-01",
  cluster: "2026-01-29",
  dgram: "2026-01-29",
  domain: "2026-01-29",
  inspector: "2026-01-29",
  punycode: "2026-01-29",
  sqlite: "2026-01-29",
  trace_events: "2026-01-29",
  wasi: "2026-01-29",
  child_process: "2026-03-17",
  perf_hooks: "2026-03-17",
  readline: "2026-03-17",
  "readline/promises": "2026-03-17",
  repl: "2026-03-17",
  tty: "2026-03-17",
  v8: "2026-03-17",
  worker_threads: "2026-03-17",
};

const ALWAYS = new Set(
  (
    "assert assert/strict async_hooks buffer constants crypto diagnostics_channel dns dns/promises events module net path " +
    "path/posix path/win32 process querystring stream stream/consumers stream/promises stream/web string_decoder sys timers " +
    "timers/promises tls url util util/types zlib"
  ).split(" "),
);

/** The runtime gives Node's modules without a flag from this date on. */
const DEFAULT_SINCE = "2026-08-04";

export interface NodeSupport {
  /** Whether Node's modules are there at all. */
  readonly enabled: boolean;
  /** `name` without `node:`. */
  isBuiltin(name: string): boolean;
  isAvailable(name: string): boolean;
}

export function nodeSupport(compatibilityDate: string, flags: readonly string[]): NodeSupport {
  const asked = flags.includes("nodejs_compat") || flags.includes("nodejs_compat_v2");
  const enabled = (asked || compatibilityDate >= DEFAULT_SINCE) && !flags.includes("no_nodejs_compat");
  return {
    enabled,
    isBuiltin: (name) => ALWAYS.has(name) || Object.hasOwn(AVAILABLE_FROM, name),
    isAvailable(name) {
      if (!enabled) return false;
      const from = AVAILABLE_FROM[name];
      return from === undefined ? ALWAYS.has(name) : compatibilityDate >= from;
    },
  };
}
