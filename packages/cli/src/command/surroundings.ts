import type { Readable } from "node:stream";
import type { TextSink } from "../output/terminal.ts";
import type { PromptBackend } from "./prompts.ts";

/** What a run of the CLI takes from its process; a test passes its own. */
export interface Surroundings {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly homeDirectory: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  readonly fetch: typeof fetch;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Resolves after `ms`, at once when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Aborts at Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Asks the desktop to open an address; false where there is none (SSH, a container). */
  readonly openBrowser: (url: string) => Promise<boolean>;
  readonly prompts: PromptBackend;
}
