import { openAsBlob } from "node:fs";
import { stat } from "node:fs/promises";
import { CliError } from "./cli-error.ts";

/** A file that the command line names, read while it is sent. Throws FILE_NOT_READABLE. */
export async function openInputFile(path: string): Promise<Blob> {
  const facts = await stat(path).catch(() => undefined);
  if (facts?.isFile() === true) return openAsBlob(path);
  throw new CliError(facts === undefined ? `There is no file ${path}.` : `${path} is not a file.`, {
    kind: "usage",
    code: "FILE_NOT_READABLE",
  });
}
