import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** Begins what the runtime prints of one event. */
const ENTRY = /^\S+:\d+: (?:info|warning|error|fatal): /;
const FAILURE = /: error: Uncaught exception: /;
const DESCRIPTION = /failed: (?:remote\.)?jsg\.(?:DOM)?(\w+): ([\s\S]*)/;
const MAX_LINE_CHARACTERS = 64 * 1024;

/** Finds what requests failed with in what the runtime prints: once for each request, without saying which. */
export function readEngineOutput(errors: Readable, onFailure: (name: string, message: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let failure: string | null = null;

  /** A message of several lines ends where another entry begins, or with what was printed at once. */
  function end(): void {
    const match = failure === null ? null : DESCRIPTION.exec(failure);
    failure = null;
    if (match !== null) onFailure(match[1] ?? "Error", match[2] ?? "");
  }

  function line(text: string): void {
    if (ENTRY.test(text)) {
      end();
      failure = FAILURE.test(text) ? text : null;
    } else if (failure !== null && failure.length < MAX_LINE_CHARACTERS) failure += `\n${text}`;
  }

  errors.on("data", (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = (lines.pop() ?? "").slice(0, MAX_LINE_CHARACTERS);
    for (const one of lines) line(one);
    if (rest === "") end();
  });
}
