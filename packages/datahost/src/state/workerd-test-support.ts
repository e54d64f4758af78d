import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, createServer, request, type Server } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { BindingHandler } from "./binding-handler.ts";

/**
 * A real workerd with real bindings in front of the handlers under test. The worker runs the JavaScript that a test
 * hands to `run`, with `env`, and answers what it returns.
 */
export interface WorkerdUnderTest {
  /** Runs `async (env, input) => { body }` in the worker. What it returns or throws comes back. */
  run<T>(body: string, input?: unknown): Promise<T>;
  /** Where requests may be sent to that are not JSON calls of `run`. */
  readonly functionSocketPath: string;
  close(): Promise<void>;
}

export interface WorkerdTestBinding {
  readonly name: string;
  readonly kind: "kvNamespace" | "r2Bucket" | "queue";
  readonly resource: string;
  readonly handler: BindingHandler;
}

// The worker evaluates code of the test; `unsafeEval` is there in this configuration only.
const WORKER = `
export default {
  async fetch(request, env) {
    const { body, input } = await request.json();
    try {
      const work = env.UNSAFE_EVAL.newAsyncFunction(body, "test", "env", "input");
      return Response.json({ value: await work(env, input) });
    } catch (error) {
      return Response.json({ error: { name: error.name, message: error.message } });
    }
  }
}`;

export async function startWorkerd(
  bindings: readonly WorkerdTestBinding[],
  options: { readonly projectId?: string; readonly worker?: string } = {},
): Promise<WorkerdUnderTest> {
  const directory = mkdtempSync(join(tmpdir(), "workerd-"));
  const hostSocket = join(directory, "host.sock");
  const functionSocketPath = join(directory, "function.sock");
  const server = await listen(hostSocket, bindings, options.projectId ?? "prj_test");
  writeFileSync(join(directory, "worker.js"), options.worker ?? WORKER);
  writeFileSync(join(directory, "config.capnp"), configText(bindings, hostSocket, functionSocketPath));
  const child = spawn(workerdPath(), ["serve", "--experimental", "--control-fd=3", "config.capnp"], {
    cwd: directory,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  await ready(child);
  const agent = new Agent({ keepAlive: true });

  return {
    functionSocketPath,
    async run<T>(body: string, input: unknown = null): Promise<T> {
      const answer = await post(agent, functionSocketPath, JSON.stringify({ body, input }));
      const result = JSON.parse(answer) as { value?: T; error?: { name: string; message: string } };
      if (result.error !== undefined) throw Object.assign(new Error(result.error.message), { name: result.error.name });
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

function listen(path: string, bindings: readonly WorkerdTestBinding[], projectId: string): Promise<Server> {
  const byHeader = new Map(bindings.map((binding) => [headerOf(binding), binding]));
  const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    const binding = byHeader.get(String(req.headers["x-aero-binding"]));
    if (binding === undefined) {
      res.writeHead(500).end();
      return;
    }
    const grant = { projectId };
    Promise.resolve(binding.handler(grant, binding.resource, req, res)).catch((error: unknown) => {
      process.stderr.write(`binding handler failed: ${error instanceof Error ? error.stack : String(error)}\n`);
      if (!res.headersSent) res.writeHead(500);
      res.end();
    });
  });
  return new Promise((resolve) => server.listen(path, () => resolve(server)));
}

const headerOf = (binding: WorkerdTestBinding): string => `${binding.kind}:${binding.resource}`;

function configText(bindings: readonly WorkerdTestBinding[], hostSocket: string, functionSocket: string): string {
  const services = bindings.map(
    (binding, index) => `(name = "host${index}", external = (address = "unix:${hostSocket}",
      http = (injectRequestHeaders = [(name = "x-aero-binding", value = "${headerOf(binding)}")])))`,
  );
  const workerBindings = bindings.map(
    (binding, index) => `(name = "${binding.name}", ${binding.kind} = "host${index}")`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), ${services.join(", ")}],
  sockets = [(name = "http", address = "unix:${functionSocket}", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker", esModule = embed "worker.js")],
  compatibilityDate = "2026-10-01",
  bindings = [${[...workerBindings, '(name = "UNSAFE_EVAL", unsafeEval = void)'].join(", ")}],
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

function post(agent: Agent, socketPath: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, agent, method: "POST", path: "/" }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk: string) => {
        text += chunk;
      });
      res.on("end", () => resolve(text));
    });
    req.on("error", reject);
    req.end(body);
  });
}
