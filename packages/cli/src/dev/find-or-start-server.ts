import { connect } from "node:net";
import { join } from "node:path";
import { healthAnswer } from "../api/answers.ts";
import type { ApiClient } from "../api/api-client.ts";
import { DEFAULT_BASE_URL, isLoopback } from "../credentials/base-url.ts";
import { type RunningServer, startServer } from "../local-server/start-server.ts";

/** A server on the same machine answers at once or not at all. */
const PROBE_TIMEOUT_MS = 1_500;

export interface DevServer {
  readonly url: string;
  /** The process, where it was started for this session. */
  readonly own: RunningServer | undefined;
}

export interface FindOrStartOptions {
  /** The server that other commands mean. */
  readonly server: ApiClient;
  /** Folder of the project's configuration. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * The server that a development session deploys to: the configured one where it is on this machine and answers, else one
 * of its own with its data beside the project. Never one on another machine.
 */
export async function findOrStartServer({ server, directory, env }: FindOrStartOptions): Promise<DevServer> {
  const { baseUrl } = server;
  if (isLoopback(baseUrl) && (await answers(server))) return { url: baseUrl, own: undefined };
  const wanted = new URL(isLoopback(baseUrl) ? baseUrl : DEFAULT_BASE_URL);
  const port = Number(wanted.port || "80");
  const own = await startServer({
    port: (await isTaken(port)) ? 0 : port,
    dataDirectory: join(directory, ".aerostack", "dev", "data"),
    env: { ...env, HOST: "127.0.0.1" },
  });
  return { url: own.url, own };
}

async function answers(server: ApiClient): Promise<boolean> {
  try {
    const response = await server.open("GET", "/healthz", { timeoutMs: PROBE_TIMEOUT_MS });
    return healthAnswer.safeParse(await response.json()).success;
  } catch {
    return false;
  }
}

/** Whether something, Aerostack or not, listens on the port. */
function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
