/** Line breaks and NUL would end a header where whoever sent it wants. */
const UNSENDABLE = /[\r\n\0]/;
const METHODS_WITH_BODY = new Set(["POST", "PUT", "PATCH"]);

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** Names in lower case and values in turn. */
  readonly headers: readonly string[];
  readonly hasBody: boolean;
}

/** A request's head, and how its body is framed. */
export interface EncodedHead {
  /** To be sent as Latin-1, as header values are read. */
  readonly text: string;
  readonly isChunked: boolean;
}

/**
 * Writes a request's head (RFC 9112, section 3).
 *
 * @throws TypeError when a value cannot be sent
 */
export function encodeRequestHead({ method, path, headers, hasBody }: RequestHead): EncodedHead {
  if (UNSENDABLE.test(path) || path.includes(" ")) throw new TypeError("the path cannot be sent");
  let text = `${method} ${path} HTTP/1.1\r\n`;
  let hasHost = false;
  let hasLength = false;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] ?? "";
    const value = headers[index + 1] ?? "";
    if (UNSENDABLE.test(value)) throw new TypeError(`the header ${name} cannot be sent`);
    if (name === "host") hasHost = true;
    else if (name === "content-length") hasLength = true;
    text += `${name}: ${value}\r\n`;
  }
  // A client of HTTP/1.0 may name no host; a request of HTTP/1.1 must.
  if (!hasHost) text += "host: function\r\n";
  const isChunked = hasBody && !hasLength;
  if (isChunked) text += "transfer-encoding: chunked\r\n";
  else if (!hasLength && METHODS_WITH_BODY.has(method)) text += "content-length: 0\r\n";
  return { text: `${text}\r\n`, isChunked };
}
