import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../../packages/server/bin/server.mjs", import.meta.url));
/** What the document names as its server, whatever port it was read from. */
const DOCUMENTED_ORIGIN = "http://127.0.0.1:8787";
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 25;

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}

async function readWhenReady(url: string, child: ChildProcess, output: () => string): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return await answer.text();
    await delay(POLL_MS);
  }
  throw new Error(`the server did not tell its API:\n${output()}`);
}

/** The OpenAPI document of this checkout, read from a server that is started for it on an empty data folder. */
export async function fetchOpenApi(): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "aerostack-docs-"));
  const port = await freePort();
  const child = spawn(process.execPath, [SERVER], {
    env: {
      PATH: process.env.PATH ?? "",
      PORT: String(port),
      AEROSTACK_DATA_DIR: join(folder, "data"),
      AEROSTACK_PUBLIC_URL: DOCUMENTED_ORIGIN,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const ended = once(child, "exit");
  try {
    return JSON.parse(await readWhenReady(`http://127.0.0.1:${port}/api/openapi.json`, child, () => output));
  } finally {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}
