import type { Readable } from "node:stream";
import { usageError } from "./cli-error.ts";

/** All of standard input. */
export async function readStdin(stdin: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array | string));
  return Buffer.concat(chunks);
}

/** A secret from standard input: without the newline that `echo` adds. Never empty. */
export async function readSecretFromStdin(stdin: Readable, what: string): Promise<string> {
  const value = (await readStdin(stdin)).toString("utf8").replace(/\r?\n$/, "");
  if (value === "") throw usageError(`Standard input holds no ${what}.`);
  return value;
}
