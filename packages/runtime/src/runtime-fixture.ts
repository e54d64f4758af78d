import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { deployConfigSchema, type ModuleType } from "@aerostack/contracts";
import { systemClock } from "@aerostack/kernel";
import { createRuntime } from "./create-runtime.ts";
import type { FunctionPool } from "./http/function-pool.ts";
import type { FunctionSpec, ProjectSpec, Route, Runtime, RuntimeEvent, RuntimeOptions, TailEntry } from "./types.ts";

/** For tests: a runtime in a folder of its own, with what it reported. */
export interface RuntimeFixture {
  readonly runtime: Runtime;
  readonly dataDir: string;
  readonly events: RuntimeEvent[];
  readonly tails: TailEntry[];
  readonly grants: Map<string, string>;
  /** Resolves with the first event, past or future, that fits. */
  event(matches: (event: RuntimeEvent) => boolean): Promise<RuntimeEvent>;
  /** Resolves as soon as the log lines so far fit. */
  logged(matches: (entries: readonly TailEntry[]) => boolean): Promise<readonly TailEntry[]>;
  /** A function made of source text: its main module, or several by name. */
  fn(name: string, modules: string | Readonly<Record<string, string | Uint8Array>>, rest?: FunctionParts): FunctionSpec;
  project(functions: readonly FunctionSpec[], projectId?: string): ProjectSpec;
  close(): Promise<void>;
}

type FunctionParts = Partial<Omit<FunctionSpec, "config" | "modules" | "name">> & { readonly config?: object };

export interface FunctionResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Longer than any limit that a test sets. */
const RESPONSE_TIMEOUT_MS = 60_000;
const TYPE_BY_ENDING: Readonly<Record<string, ModuleType>> = {
  js: "esm",
  cjs: "commonjs",
  txt: "text",
  bin: "data",
  wasm: "wasm",
  json: "json",
};

export async function createRuntimeFixture(options: Partial<RuntimeOptions> = {}): Promise<RuntimeFixture> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "art-"));
  const bundles = join(dataDir, "bundles");
  mkdirSync(bundles, { recursive: true });
  const events: RuntimeEvent[] = [];
  const tails: TailEntry[] = [];
  const grants = new Map<string, string>();
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const watcher of [...watchers]) watcher();
  };
  let files = 0;

  function until<T>(read: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const value = read();
        if (value === undefined) return;
        watchers.delete(look);
        resolve(value);
      };
      watchers.add(look);
      look();
    });
  }

  const runtime = await createRuntime({
    clock: systemClock,
    logger: { info() {}, warn() {}, error() {} },
    platformOrigin: "http://127.0.0.1:8787",
    registerGrant: (token, projectId) => void grants.set(token, projectId),
    revokeGrant: (token) => void grants.delete(token),
    onTail(entries) {
      tails.push(...entries);
      changed();
    },
    onEvent(event) {
      events.push(event);
      changed();
    },
    ...options,
    limits: { retireGraceMs: 20, ...options.limits },
    dataDir,
  });

  return {
    runtime,
    dataDir,
    events,
    tails,
    grants,
    event: (matches) => until(() => events.find(matches)),
    logged: (matches) => until(() => (matches(tails) ? tails : undefined)),
    fn(name, modules, { config = {}, ...rest } = {}) {
      const sources = typeof modules === "string" ? { "main.js": modules } : modules;
      const versionNumber = rest.versionNumber ?? 1;
      const environment = rest.environment ?? "production";
      return {
        key: `${name}@${environment}@${versionNumber}`,
        name,
        environment,
        versionNumber,
        modules: Object.entries(sources).map(([module, content]) => {
          const path = join(bundles, String(files++));
          writeFileSync(path, content);
          const type = TYPE_BY_ENDING[module.split(".").at(-1) ?? ""] ?? "data";
          const sha256 = createHash("sha256").update(content).digest("hex");
          return { name: module, type, open: async () => createReadStream(path), sha256 };
        }),
        compatibilityDate: "2026-07-01",
        compatibilityFlags: [],
        config: deployConfigSchema.parse(config),
        secrets: {},
        apiKey: "ak_test",
        ...rest,
      };
    },
    project: (functions, projectId = "prj_test") => ({
      projectId,
      projectSlug: "test",
      apiUrl: "http://127.0.0.1:8787",
      functions,
    }),
    async close() {
      await runtime.close();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

type RequestInit = { method?: string; headers?: Record<string, string>; body?: string | Uint8Array };

function exchange(pool: FunctionPool, path: string, init: RequestInit): Promise<FunctionResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<FunctionResponse>();
  const pieces: Buffer[] = [];
  let status = 0;
  const headers: Record<string, string | string[]> = {};
  pool.dispatch(
    {
      method: init.method ?? "GET",
      path,
      headers: ["host", "test.localhost", ...Object.entries(init.headers ?? {}).flat()],
      body: init.body === undefined ? null : Readable.from([Buffer.from(init.body)]),
      headTimeoutMs: RESPONSE_TIMEOUT_MS,
      bodyTimeoutMs: RESPONSE_TIMEOUT_MS,
    },
    {
      onHead(head) {
        status = head.status;
        for (let index = 0; index < head.headers.length; index += 2) {
          headers[head.headers[index] ?? ""] = head.headers[index + 1] ?? "";
        }
      },
      onData(chunk) {
        pieces.push(chunk);
        return true;
      },
      onEnd(last) {
        if (last !== null) pieces.push(last);
        resolve({ status, headers, text: Buffer.concat(pieces).toString("utf8") });
      },
      onError: reject,
    },
  );
  return promise;
}

/** One request over a route, as the gateway would make it: begins a flight, and explains a broken connection. */
export async function send(route: Route, path: string, init: RequestInit = {}): Promise<FunctionResponse> {
  const flight = route.begin();
  try {
    return await exchange(route.pool, path, init);
  } catch (error) {
    throw await flight.explain(error);
  } finally {
    flight.end();
  }
}

/** Asks the runtime for the way and sends one request. */
export async function call(
  fixture: RuntimeFixture,
  functionKey: string,
  path = "/",
  init: Parameters<typeof send>[2] & { projectId?: string } = {},
): Promise<FunctionResponse> {
  return await send(await fixture.runtime.route(init.projectId ?? "prj_test", functionKey), path, init);
}
