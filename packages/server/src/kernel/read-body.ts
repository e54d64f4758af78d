import { AerostackError } from "@aerostack/contracts";
import { parseJson } from "./parse-json.ts";

/** Of a JSON body, where the route names no other. */
export const DEFAULT_MAX_BODY_BYTES = 1024 * 1024;

/**
 * Reads a JSON body of at most `maxBytes`, counted as it arrives: a header that lies about the length changes nothing.
 *
 * @returns undefined for an empty body.
 * @throws REQUEST_TOO_LARGE · UNSUPPORTED_MEDIA_TYPE · REQUEST_MALFORMED
 */
export async function readJsonBody(request: Request, maxBytes: number): Promise<unknown> {
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const text = await readText(request, maxBytes);
  if (text === "") return undefined;
  const contentType = request.headers.get("content-type") ?? "";
  // A page of another origin can send text/plain or a form without asking first; it cannot send this.
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(contentType)) {
    throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", {
      message: `The body must be JSON; its content type is ${contentType === "" ? "missing" : `'${contentType.slice(0, 100)}'`}.`,
      fix: "Send the header 'Content-Type: application/json'.",
    });
  }
  return parseJson(text);
}

const FORM = /^application\/x-www-form-urlencoded\b/i;
/** What a form of a protocol such as OAuth holds. */
const MAX_FORM_BYTES = 16 * 1024;

export function isForm(request: Request): boolean {
  return FORM.test(request.headers.get("content-type") ?? "");
}

/**
 * Reads a form as an object. Of a name that is sent twice nothing is taken (RFC 6749, 3.2: it must not be).
 *
 * @throws REQUEST_TOO_LARGE · REQUEST_MALFORMED
 */
export async function readFormBody(request: Request): Promise<Readonly<Record<string, string>>> {
  const fields: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(await readText(request, MAX_FORM_BYTES))) {
    if (fields[name] !== undefined) {
      throw new AerostackError("REQUEST_MALFORMED", { message: "A field of the form is there twice." });
    }
    fields[name] = value;
  }
  return fields;
}

/** The chunks of a body of at most `maxBytes`, counted as it arrives. @throws REQUEST_TOO_LARGE */
async function* limitedChunks(request: Request, maxBytes: number): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  let size = 0;
  for await (const chunk of request.body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
}

/**
 * Reads a body of at most `maxBytes`.
 *
 * @throws REQUEST_TOO_LARGE
 */
export async function readBytes(request: Request, maxBytes: number): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(limitedChunks(request, maxBytes)));
}

/** The text of a body as it arrives, for what is too large to hold whole. @throws REQUEST_TOO_LARGE */
export async function* textPieces(request: Request, maxBytes: number): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  for await (const chunk of limitedChunks(request, maxBytes)) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

/** The same as text. */
async function readText(request: Request, maxBytes: number): Promise<string> {
  return (await readBytes(request, maxBytes)).toString("utf8");
}

function tooLarge(maxBytes: number): AerostackError {
  return new AerostackError("REQUEST_TOO_LARGE", { message: `The request body may have at most ${maxBytes} bytes.` });
}
