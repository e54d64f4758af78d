import { resolve } from "node:path";
import { pictureResponseSchema } from "@aerostack/contracts";
import { TRANSFER_TIMEOUT_MS } from "../api/api-client.ts";
import type { CommandContext } from "../command/context.ts";
import type { CommandResult } from "../command/define-command.ts";
import { openInputFile } from "../command/open-input-file.ts";
import { contentTypeOf } from "./storage/content-type.ts";

/** Sends a file as the picture of an account or organisation, and shows its address. */
export async function putPicture(context: CommandContext, path: string, file: string): Promise<CommandResult> {
  const body = await openInputFile(resolve(context.surroundings.cwd, file));
  const api = await context.api();
  const headers = { "content-type": contentTypeOf(file) };
  const answer = await context.terminal.step(
    `Uploading ${file}`,
    () => api.call("PUT", path, pictureResponseSchema, { body, headers, timeoutMs: TRANSFER_TIMEOUT_MS }),
    () => "Stored the picture",
  );
  const url = `${api.baseUrl}${answer.url}`;
  return { data: { url }, render: (terminal) => terminal.line(url) };
}
