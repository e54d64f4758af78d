// Runs after an install: starts the server once on an empty folder and stops it, so that the bundle is made and its compiled
// form is in the cache before the first real start.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const LIMIT_MS = 120_000;

const dataDir = mkdtempSync(join(tmpdir(), "aerostack-warm-"));
const server = spawn(process.execPath, [fileURLToPath(new URL("server.mjs", import.meta.url))], {
  env: { PATH: process.env.PATH ?? "", PORT: "0", AEROSTACK_DATA_DIR: dataDir, AEROSTACK_LOG_LEVEL: "silent" },
  stdio: ["ignore", "pipe", "ignore"],
});
const timer = setTimeout(() => server.kill("SIGKILL"), LIMIT_MS);
server.stdout.once("data", () => server.kill("SIGTERM"));
server.once("exit", () => {
  clearTimeout(timer);
  rmSync(dataDir, { recursive: true, force: true });
});
