import { spawn } from "node:child_process";
import { once } from "node:events";
import { homedir } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { terminalPrompts } from "./command/prompts.ts";
import type { TextSink } from "./output/terminal.ts";
import { runCli } from "./run-cli.ts";

// The process: its streams and signals are handed to `runCli`, which knows no globals.

const stop = new AbortController();
/** npm and shells send one Ctrl-C several times within moments. */
const SAME_INTERRUPT_MS = 500;
let interruptedAt: number | undefined;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    // A second Ctrl-C ends at once what does not stop by itself.
    if (interruptedAt !== undefined && performance.now() - interruptedAt > SAME_INTERRUPT_MS) process.exit(130);
    interruptedAt ??= performance.now();
    stop.abort();
  });
}
// A reader that goes away (`aerostack logs | head`) is a normal end.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

function sink(stream: NodeJS.WriteStream): TextSink {
  return {
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      // A terminal that does not know its width says 0.
      return stream.columns === 0 ? undefined : stream.columns;
    },
    write(text) {
      stream.write(text);
    },
    async drained() {
      if (stream.writableNeedDrain) await once(stream, "drain");
    },
  };
}

/** No browser where nobody sits at a screen: over SSH, in CI, in a container without a display. */
function hasDesktop(): boolean {
  const { SSH_CONNECTION, SSH_TTY, CI, DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (SSH_CONNECTION !== undefined || SSH_TTY !== undefined || CI !== undefined) return false;
  return process.platform !== "linux" || DISPLAY !== undefined || WAYLAND_DISPLAY !== undefined;
}

async function openBrowser(url: string): Promise<boolean> {
  if (!hasDesktop()) return false;
  const opener = { darwin: "open", win32: "explorer" }[process.platform as string] ?? "xdg-open";
  const child = spawn(opener, [url], { stdio: "ignore", detached: true });
  return new Promise((resolve) => {
    child.once("error", () => resolve(false));
    child.once("spawn", () => {
      child.unref();
      resolve(true);
    });
  });
}

process.exitCode = await runCli(process.argv.slice(2), {
  cwd: process.cwd(),
  env: process.env,
  homeDirectory: homedir(),
  stdin: process.stdin,
  stdout: sink(process.stdout),
  stderr: sink(process.stderr),
  fetch,
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal }).catch(() => {});
  },
  signal: stop.signal,
  openBrowser,
  prompts: terminalPrompts,
});
// Connections kept alive for reuse must not hold the process open.
process.stdin.unref?.();
