import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("./main.ts", import.meta.url));
let ahead: ChildProcess | undefined;

/**
 * Starts the process before it is known what it is to serve, so that it loads while its server does, on another core. It
 * touches nothing until it is told, and ends with its server.
 */
export function spawnHostAhead(): void {
  ahead = spawnHost();
  // Whoever takes it starts another one then.
  ahead.once("error", () => {});
}

/** The process that was started ahead, once; a new one otherwise. Its pipe to the server is descriptor 3. */
export function takeHostProcess(): ChildProcess {
  const taken = ahead;
  ahead = undefined;
  const lives = taken?.pid !== undefined && taken.exitCode === null && taken.signalCode === null;
  return lives ? taken : spawnHost();
}

function spawnHost(): ChildProcess {
  return spawn(process.execPath, [...process.execArgv, MAIN], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
    env: { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? "" },
  });
}
