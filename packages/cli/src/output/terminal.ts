import { createSpinner } from "./spinner.ts";
import { createStyle, type Style, wantsColour } from "./style.ts";
import { type Column, formatPairs, formatTable } from "./table.ts";

/** Where text goes: a process stream, or a buffer of a test. */
export interface TextSink {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  write(text: string | Uint8Array): void;
  /** Resolves when what was written has left the buffer far enough to write more. */
  drained(): Promise<void>;
}

export interface Step {
  /** Replaces what the spinner says. */
  update(label: string): void;
}

/**
 * What a command writes. Results go to stdout; progress, notes and errors to stderr, so that a pipe carries results only.
 * With `json`, nothing but JSON is written: one document per command, or one line per event of a stream.
 */
export interface Terminal {
  /** For standard output. */
  readonly style: Style;
  /** For standard error: notes, steps, warnings. One of the two may be a pipe. */
  readonly noteStyle: Style;
  readonly json: boolean;
  /** Whether a person reads stdout. */
  readonly interactive: boolean;
  line(text?: string): void;
  table(columns: readonly Column[], rows: readonly (readonly string[])[]): void;
  pairs(pairs: readonly (readonly [label: string, value: string])[]): void;
  /** Bytes as they are, for values and exports. */
  raw(bytes: string | Uint8Array): void;
  /** A stream of bytes as they are, at the reader's pace. */
  pipe(body: ReadableStream<Uint8Array>): Promise<void>;
  /** One event of a stream: a JSON line with `json`, else what `render` writes. */
  event(data: unknown, render: (terminal: Terminal) => void): void;
  /** One JSON document on its own line. */
  document(value: unknown): void;
  /** Progress and remarks. */
  note(text: string): void;
  success(text: string): void;
  warn(text: string): void;
  failure(text: string): void;
  /** Runs `work` under a spinner; ends with `✓ <done>` (or the label), or without a trace when it fails. */
  step<Value>(
    label: string,
    work: (step: Step) => Promise<Value>,
    done?: (value: Value) => string | undefined,
  ): Promise<Value>;
}

export interface TerminalOptions {
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly env: NodeJS.ProcessEnv;
  readonly json: boolean;
}

export function createTerminal({ stdout, stderr, env, json }: TerminalOptions): Terminal {
  const style = createStyle(wantsColour(env, stdout.isTTY) && !json);
  const noteStyle = createStyle(wantsColour(env, stderr.isTTY) && !json);
  const animated = stderr.isTTY && !json && env.CI === undefined && env.TERM !== "dumb";

  function note(text: string): void {
    if (!json) stderr.write(`${text}\n`);
  }
  function line(text = ""): void {
    if (!json) stdout.write(`${text}\n`);
  }

  const terminal: Terminal = {
    style,
    noteStyle,
    json,
    interactive: stdout.isTTY && !json,
    line,
    note,
    table(columns, rows) {
      for (const row of formatTable(columns, rows, style, stdout.isTTY ? stdout.columns : undefined)) line(row);
    },
    pairs(pairs) {
      for (const row of formatPairs(pairs, style)) line(row);
    },
    raw(bytes) {
      if (!json) stdout.write(bytes);
    },
    async pipe(body) {
      for await (const chunk of body) {
        terminal.raw(chunk);
        await stdout.drained();
      }
    },
    event(data, render) {
      if (json) terminal.document(data);
      else render(terminal);
    },
    document(value) {
      stdout.write(`${JSON.stringify(value)}\n`);
    },
    success(text) {
      note(`${noteStyle.success("✓")} ${text}`);
    },
    warn(text) {
      note(`${noteStyle.warning("!")} ${text}`);
    },
    failure(text) {
      note(`${noteStyle.danger("✗")} ${text}`);
    },
    async step(label, work, done) {
      const spinner = animated ? createSpinner(stderr, noteStyle, label) : undefined;
      const startedAt = performance.now();
      try {
        const value = await work({ update: (text) => spinner?.update(text) });
        spinner?.stop();
        const text = done === undefined ? label : done(value);
        if (text !== undefined) {
          const ms = performance.now() - startedAt;
          const took = stderr.isTTY && ms >= 1000 ? noteStyle.dim(` ${(ms / 1000).toFixed(1)} s`) : "";
          note(`${noteStyle.success("✓")} ${text}${took}`);
        }
        return value;
      } finally {
        spinner?.stop();
      }
    },
  };
  return terminal;
}
