import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { PromptBackend } from "../command/prompts.ts";
import type { TextSink } from "../output/terminal.ts";
import { runCli } from "../run-cli.ts";

/** What a run of the CLI left behind. */
export interface Outcome {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** `stdout` as JSON; fails the test where it is none. */
  json(): unknown;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  readonly home?: string;
  readonly stdin?: string;
  /** Answers in order; undefined means that nobody can be asked. */
  readonly answers?: readonly (string | boolean)[];
  readonly signal?: AbortSignal;
  /** Sees standard output as it is written. */
  readonly onOutput?: (text: string) => void;
  readonly now?: number;
  readonly openBrowser?: (url: string) => Promise<boolean>;
}

/** A fixed moment: 2026-06-01T12:00:00Z. */
export const NOW = Date.UTC(2026, 5, 1, 12);

const folders: string[] = [];

/** A folder of its own, removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aerostack-cli-"));
  folders.push(folder);
  return folder;
}
process.once("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function createSink(onWrite: (text: string) => void): TextSink & { text(): string } {
  const chunks: Buffer[] = [];
  return {
    isTTY: false,
    columns: undefined,
    write(chunk) {
      chunks.push(Buffer.from(chunk as Uint8Array));
      onWrite(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8"));
    },
    drained: () => Promise.resolve(),
    text: () => Buffer.concat(chunks).toString("utf8"),
  };
}

/** Runs a command line in this process, as a script would: no terminal, no colour, an empty home. */
export async function runCommand(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const stdout = createSink(options.onOutput ?? (() => {}));
  const stderr = createSink(() => {});
  const answers = [...(options.answers ?? [])];
  const stdin = Object.assign(Readable.from(options.stdin === undefined ? [] : [options.stdin]), {
    isTTY: options.answers !== undefined,
  });
  const exitCode = await runCli(argv, {
    cwd: options.cwd ?? temporaryFolder(),
    env: { NO_COLOR: "1", TERM: "dumb", ...options.env },
    homeDirectory: options.home ?? temporaryFolder(),
    stdin,
    stdout,
    stderr: { ...stderr, isTTY: options.answers !== undefined },
    fetch,
    now: () => options.now ?? NOW,
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    signal: options.signal ?? new AbortController().signal,
    openBrowser: options.openBrowser ?? (() => Promise.resolve(false)),
    prompts: scriptedPrompts(answers),
  });
  return {
    exitCode,
    stdout: stdout.text(),
    stderr: stderr.text(),
    json: () => JSON.parse(stdout.text()),
  };
}

function scriptedPrompts(answers: (string | boolean)[]): PromptBackend {
  function next<Value>(): Promise<Value> {
    const answer = answers.shift();
    if (answer === undefined) throw new Error("The test has no answer for this question.");
    return Promise.resolve(answer as Value);
  }
  return { text: next, password: next, confirm: next, select: next };
}
