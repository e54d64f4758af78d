import type { IncomingMessage } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import { limitBytes } from "./limit-bytes.ts";

/**
 * A request's body as bytes of an object: held to a limit as it arrives, whatever its header says.
 *
 * @throws STORAGE_FILE_TOO_LARGE at once where the header announces more
 */
export function sizedBody(
  req: IncomingMessage,
  maxBytes: number,
): { readonly content: AsyncIterable<Uint8Array>; readonly size: number | undefined } {
  const length = req.headers["content-length"];
  const size = length === undefined ? undefined : Number(length);
  if (size !== undefined && size > maxBytes) throw tooLarge(maxBytes);
  return { content: limitBytes(bodyOf(req), maxBytes, () => tooLarge(maxBytes)), size };
}

/** The body's chunks. @throws REQUEST_MALFORMED where the client leaves before its end */
export async function* bodyOf(req: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    // Left open: a refusal is still to be answered on its connection.
    for await (const chunk of req.iterator({ destroyOnReturn: false })) yield chunk as Buffer;
  } catch (cause) {
    throw new AerostackError("REQUEST_MALFORMED", { message: "The request ended early.", cause });
  }
}

function tooLarge(maxBytes: number): AerostackError {
  return new AerostackError("STORAGE_FILE_TOO_LARGE", { message: `At most ${maxBytes} bytes are taken here.` });
}
