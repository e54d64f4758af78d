import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper } from "./harness/developer.ts";
import { freshCheckout } from "./harness/fresh-checkout.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { freePort } from "./harness/server-process.ts";
import { commandsOf, shellBlocks } from "./harness/shell-blocks.ts";

// Every command that README.md shows, in its order, in a fresh checkout.

const run = promisify(execFile);
const README = fileURLToPath(new URL("../README.md", import.meta.url));
const COMMANDS = existsSync(README) ? shellBlocks(readFileSync(README, "utf8")).flatMap(commandsOf) : [];
const DOCUMENTED_ORIGIN = "http://127.0.0.1:8787";
const COMMAND_TIMEOUT_MS = 60_000;
const START_TIMEOUT_MS = 60_000;

describe.skipIf(COMMANDS.length === 0)("README.md", () => {
  let folder = "";
  let origin = "";
  let server: ChildProcess | undefined;
  let environment: NodeJS.ProcessEnv = {};
  /** The commands share one terminal: its folder is remembered from each to the next. */
  let directory = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aerostack-readme-"));
    directory = join(folder, "aerostack");
    await freshCheckout(directory);
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    environment = {
      PATH: process.env.PATH ?? "",
      HOME: join(folder, "home"),
      PORT: String(port),
      AEROSTACK_API_URL: origin,
    };
    // What would have to be downloaded is done without: the packages of the checkout are there.
    await mkdir(environment.HOME ?? "", { recursive: true });
    await writeFile(join(environment.HOME ?? "", ".npmrc"), "offline=true\nyes=false\nupdate-notifier=false\n");
  });
  afterAll(async () => {
    const group = server?.pid;
    if (group !== undefined) {
      await pollUntil("the server to end", () => {
        try {
          process.kill(-group, "SIGTERM");
          return false;
        } catch {
          return true;
        }
      });
    }
    if (folder !== "") await rm(folder, { recursive: true, force: true });
  });

  async function start(command: string): Promise<void> {
    server = spawn("sh", ["-c", command], { cwd: directory, env: environment, detached: true, stdio: "pipe" });
    let output = "";
    for (const stream of [server.stdout, server.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
    }
    await pollUntil(
      "the server to be ready",
      async () => {
        if (server?.exitCode !== null) throw new Error(output);
        return (await fetch(`${origin}/readyz`)).ok;
      },
      START_TIMEOUT_MS,
    );
    const { accountKey } = await createDeveloper({ url: origin });
    environment = { ...environment, AEROSTACK_API_KEY: accountKey };
  }

  async function execute(command: string): Promise<string> {
    const script = `${command.replaceAll(DOCUMENTED_ORIGIN, origin)}\nstatus=$?\npwd > "${folder}/directory"\nexit $status`;
    const { stdout } = await run("sh", ["-c", script], {
      cwd: directory,
      env: environment,
      timeout: COMMAND_TIMEOUT_MS,
    });
    directory = (await readFile(join(folder, "directory"), "utf8")).trim();
    return stdout;
  }

  // `npm test` is what runs this file.
  test.each(COMMANDS.filter((command) => command !== "npm test"))(
    "%s",
    { timeout: COMMAND_TIMEOUT_MS + START_TIMEOUT_MS },
    async (command) => {
      if (command === "npm start") {
        await start(command);
        return;
      }
      const output = await execute(command);
      if (command.startsWith("curl")) expect(output).not.toMatch(/"error"|"code"/);
    },
  );
});
