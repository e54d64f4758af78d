import { createReadStream } from "node:fs";
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import type { AssetAnswer } from "./asset-site.ts";

/** Writes an answer to a response; the file is streamed. */
export function sendAsset(res: ServerResponse, answer: AssetAnswer): void {
  const { body } = answer;
  if (body === null) {
    res.writeHead(answer.status, answer.headers).end();
    return;
  }
  const stream = createReadStream(body.file, body.range);
  stream.once("error", () => {
    if (!res.headersSent) res.writeHead(500).end();
  });
  // The head waits for the file: a blob that is missing is an error, not an empty page.
  stream.once("open", () => {
    res.writeHead(answer.status, answer.headers);
    pipeline(stream, res, () => {});
  });
}
