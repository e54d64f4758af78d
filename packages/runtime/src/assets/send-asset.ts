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
  // The head waits for the file: one that is missing is an error, not an empty page.
  body.open(body.range).then(
    (stream) => {
      res.writeHead(answer.status, answer.headers);
      pipeline(stream, res, () => {});
    },
    () => res.writeHead(500).end(),
  );
}
