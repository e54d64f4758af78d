import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request, type Server } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BindingHandler } from "../state/binding-handler.ts";
import { d1BindingModulePath } from "./d1-binding-module-path.ts";

/** A real workerd whose `env.DB` and `env.OTHER` are D1 bindings of the databases "main" and "other". */
export interface D1WorkerdUnderTest {
  /** Runs `async (env, input) => { body }` in the worker. What it returns or throws comes back. */
  run<T>(body: string, input?: unknown): Promise<T>;
  close(): Promise<void>;
}

/** The handler alone, without workerd, for requests that no client of D1 sends. They mean the database "main". */
export interface D1ServerUnderTest {
  readonly socketPath: string;
  send(options: RawRequest): Promise<RawAnswer>;
  close(): Promise<void>;
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export const TEST_PROJECT = "prj_test";
const DATABASES = { DB: "main", OTHER: "other" };

// The worker evaluates code of the test; `unsafeEval` is there in this configuration only.
const WORKER = `
export default {
  async fetch(request, env) {
    const { body, input } = await request.json();
    try {
      const work = env.UNSAFE_EVAL.newAsyncFunction(body, "test", "env", "input");
      return Response.json({ value: await work(env, input) });
    } catch (error) {
      return Response.json({ error: { name: error.name, message: error.message, cause: error.cause?.message } });
    }
  }
}`;

export async function startD1Workerd(
  handler: BindingHandler,
  onDefect: (error: unknown) => void,
): Promise<D1WorkerdUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), "d1-workerd-"));
  const hostSocket = join(directory, "host.sock");
  const functionSocket = join(directory, "function.sock");
  const server = await listen(hostSocket, handler, onDefect);
  writeFileSync(join(directory, "worker.js"), WORKER);
  writeFileSync(join(directory, "d1.js"), readFileSync(d1BindingModulePath));
  writeFileSync(join(directory, "config.capnp"), configText(hostSocket, functionSocket));
  const child = spawn(workerdPath(), ["serve", "--experimental", "--control-fd=3", "config.capnp"], {
    cwd: directory,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  await ready(child);
  const agent = new Agent({ keepAlive: true });

  return {
    async run<T>(body: string, input: unknown = null): Promise<T> {
      const answer = await send(agent, functionSocket, { path: "/", body: JSON.stringify({ body, input }) });
      const result = JSON.parse(answer.text) as {
        value?: T;
        error?: { name: string; message: string; cause?: string };
      };
      if (result.error !== undefined) {
        throw Object.assign(new Error(result.error.message, { cause: result.error.cause }), {
          name: result.error.name,
        });
      }
      return result.value as T;
    },
    async close() {
      agent.destroy();
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await exited;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export async function startD1Server(
  handler: BindingHandler,
  onDefect: (error: unknown) => void,
): Promise<D1ServerUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), "d1-server-"));
  const socketPath = join(directory, "host.sock");
  const server = await listen(socketPath, handler, onDefect);
  const agent = new Agent({ keepAlive: true });
  return {
    socketPath,
    send: (options) =>
      send(agent, socketPath, { ...options, headers: { "x-aero-binding": DATABASES.DB, ...options.headers } }),
    async close() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** `onDefect` gets what a handler throws; as at the data host's door, the connection ends then. */
function listen(path: string, handler: BindingHandler, onDefect: (error: unknown) => void): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    const answering = handler({ projectId: TEST_PROJECT }, String(req.headers["x-aero-binding"]), req, res);
    Promise.resolve(answering).catch((error: unknown) => {
      onDefect(error);
      res.destroy();
    });
  });
  return new Promise((resolve) => server.listen(path, () => resolve(server)));
}

function configText(hostSocket: string, functionSocket: string): string {
  const services = Object.entries(DATABASES).map(
    ([name, database]) => `(name = "${name}", external = (address = "unix:${hostSocket}",
      http = (injectRequestHeaders = [(name = "x-aero-binding", value = "${database}")])))`,
  );
  const bindings = Object.keys(DATABASES).map(
    (name) => `(name = "${name}", wrapped = (moduleName = "aerostack-internal:d1",
      innerBindings = [(name = "fetcher", service = "${name}")]))`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), ${services.join(", ")}],
  sockets = [(name = "http", address = "unix:${functionSocket}", http = (), service = "main")],
  extensions = [(modules = [(name = "aerostack-internal:d1", internal = true, esModule = embed "d1.js")])],
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  bindings = [${bindings.join(", ")}, (name = "UNSAFE_EVAL", unsafeEval = void)],
);
`;
}

/** workerd is a dependency of the runtime package; the tests here borrow it. */
function workerdPath(): string {
  const require = createRequire(new URL("../../../runtime/package.json", import.meta.url));
  const packageName = `@cloudflare/workerd-${process.platform}-${process.arch === "x64" ? "64" : process.arch}`;
  const requireFromWorkerd = createRequire(require.resolve("workerd/package.json"));
  return join(dirname(requireFromWorkerd.resolve(`${packageName}/package.json`)), "bin", "workerd");
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
    child.stdio[3]?.once("data", () => resolve());
  });
}

function send(
  agent: Agent,
  socketPath: string,
  { method = "POST", path, headers, body }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, agent, method, path, headers: { ...headers } }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("end", () =>
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text: Buffer.concat(chunks).toString() }),
      );
    });
    req.on("error", reject);
    req.end(body);
  });
}
