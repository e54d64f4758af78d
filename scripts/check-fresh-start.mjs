// Clones HEAD into an empty folder and starts it there as a new user would, twice: the first start installs, the second
// must answer within 1.5 seconds (longer where Node itself starts slowly), and all processes together must stay below 200 MB
// when idle.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const FIRST_START_LIMIT_MS = 300_000;
const SECOND_START_LIMIT_MS = 1500;
/** What Node takes to start and end on a machine that this limit is meant for. */
const BARE_START_MS = 50;
const IDLE_MEMORY_LIMIT_MB = 200;
const STOP_LIMIT_MS = 10_000;
const POLL_MS = 10;
const SETTLE_MS = 2000;

const repository = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "aerostack-fresh-"));

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** How many times slower than a good machine this one is at the moment, at least 1. */
function machineFactor() {
  const times = Array.from({ length: 5 }, () => {
    const startedAt = performance.now();
    spawnSync(process.execPath, ["-e", "0"]);
    return performance.now() - startedAt;
  });
  return Math.max(1, Math.min(...times) / BARE_START_MS);
}

/** Proportional set size of a process group, MB; null where the system does not tell (other than Linux). */
function groupMemoryMb(group) {
  let kilobytes = 0;
  try {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]) !== group) continue;
        kilobytes += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0);
      } catch {
        // The process has ended in between.
      }
    }
  } catch {
    return null;
  }
  return kilobytes / 1024;
}

async function run(label, limitMs) {
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn("npm", ["start"], {
    cwd: join(folder, "clone"),
    env: { ...process.env, PORT: String(port), AEROSTACK_DATA_DIR: join(folder, "data") },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const exited = new Promise((resolve) => child.once("exit", resolve));
  let elapsedMs = 0;
  for (;;) {
    elapsedMs = performance.now() - startedAt;
    if (child.exitCode !== null) throw new Error(`${label}: npm start ended early\n${output}`);
    if (elapsedMs > FIRST_START_LIMIT_MS)
      throw new Error(`${label}: no answer in ${FIRST_START_LIMIT_MS} ms\n${output}`);
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) break;
    await delay(POLL_MS);
  }
  await delay(SETTLE_MS);
  const memoryMb = groupMemoryMb(child.pid);
  console.log(`${label}: ready in ${(elapsedMs / 1000).toFixed(2)} s, ${memoryMb?.toFixed(0) ?? "?"} MB`);
  process.kill(-child.pid, "SIGTERM");
  const stopped = await Promise.race([exited.then(() => true), delay(STOP_LIMIT_MS, false, { ref: false })]);
  if (!stopped) {
    process.kill(-child.pid, "SIGKILL");
    throw new Error(`${label}: did not stop within ${STOP_LIMIT_MS} ms of SIGTERM\n${output}`);
  }
  if (elapsedMs > limitMs)
    throw new Error(`${label}: took ${elapsedMs.toFixed(0)} ms, allowed are ${limitMs.toFixed(0)}`);
  if (memoryMb !== null && memoryMb > IDLE_MEMORY_LIMIT_MB) {
    throw new Error(`${label}: ${memoryMb.toFixed(0)} MB idle, allowed are ${IDLE_MEMORY_LIMIT_MB}`);
  }
}

try {
  const clone = spawnSync("git", ["clone", "-q", repository, join(folder, "clone")], { stdio: "inherit" });
  if (clone.status !== 0) throw new Error("git clone failed");
  await run("first start", FIRST_START_LIMIT_MS);
  await run("second start", SECOND_START_LIMIT_MS * machineFactor());
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
