import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { answerTo } from "./answer-to.ts";

const PROBE_TIMEOUT_MS = 1000;

/**
 * The unix socket on which workerd serves the workload for this server: the one below `<dataDir>/run` that says hello.
 * The function must have been called shortly before, so that its process runs.
 */
export async function findFunctionSocket(dataDir: string): Promise<string> {
  const entries = await readdir(join(dataDir, "run"), { recursive: true, withFileTypes: true });
  const sockets = entries.filter((entry) => entry.isSocket()).map((entry) => join(entry.parentPath, entry.name));
  for (const socketPath of sockets) {
    const answer = await answerTo({
      url: "http://function/hello",
      socketPath,
      timeoutMs: PROBE_TIMEOUT_MS,
    }).catch(() => null);
    if (answer === "hello") return socketPath;
  }
  throw new Error(`None of the ${sockets.length} sockets of the server leads to the function.`);
}
