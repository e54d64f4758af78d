import type { FunctionUpload } from "../harness/developer.ts";

/** Sends a request to the program; the path starts with a slash. */
export type CallProgram = (path: string, init?: RequestInit) => Promise<Response>;

/** A program of the npm registry, deployed unmodified, and what it must do. */
export interface ThirdPartyProgram {
  /** File in `fixtures/programs`, without its ending; also the function's name. */
  readonly name: string;
  readonly compatibilityFlags?: readonly string[];
  readonly config?: FunctionUpload["config"];
  readonly secrets?: Readonly<Record<string, string>>;
  /** Guarantees by name; each runs on its own and in order. */
  readonly guarantees: Readonly<Record<string, (call: CallProgram) => Promise<void>>>;
}

export function postJson(value: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
