/** The head of a response as it is passed on. */
export interface ResponseHead {
  readonly status: number;
  readonly statusText: string;
  /** Names, in lower case, and values in turn; those of the connection itself included. */
  readonly headers: string[];
  readonly isChunked: boolean;
  /** Bytes; null when it is not said. */
  readonly contentLength: number | null;
  /** The peer closes the connection after this response. */
  readonly closes: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\r\n]*))?$/;
const LINE_END = "\r\n";
/** RFC 9110, section 5.6.2. */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const LENGTH = /^\d{1,15}$/;

/** Reads a response's head without its last empty line; null when it is not one (RFC 9112, sections 4 to 6). */
export function parseResponseHead(text: string): ResponseHead | null {
  let lineEnd = text.indexOf(LINE_END);
  if (lineEnd === -1) lineEnd = text.length;
  const statusLine = STATUS_LINE.exec(text.slice(0, lineEnd));
  if (statusLine === null) return null;
  const headers: string[] = [];
  let isChunked = false;
  let contentLength: number | null = null;
  let closes = statusLine[1] === "0";
  for (let start = lineEnd + 2; start < text.length; start = lineEnd + 2) {
    lineEnd = text.indexOf(LINE_END, start);
    if (lineEnd === -1) lineEnd = text.length;
    const colon = text.indexOf(":", start);
    if (colon === -1 || colon >= lineEnd) return null;
    const name = text.slice(start, colon).toLowerCase();
    if (!NAME.test(name)) return null;
    const value = text.slice(colon + 1, lineEnd).trim();
    if (value.includes("\n") || value.includes("\r")) return null;
    switch (name) {
      case "content-length": {
        const length = Number(value);
        if (!LENGTH.test(value) || (contentLength !== null && contentLength !== length)) return null;
        contentLength = length;
        break;
      }
      case "transfer-encoding":
        // No other coding is asked for, and none is undone here.
        if (value.toLowerCase() !== "chunked") return null;
        isChunked = true;
        break;
      case "connection":
        closes ||= value.toLowerCase() === "close";
        break;
    }
    headers.push(name, value);
  }
  return {
    status: Number(statusLine[2]),
    statusText: statusLine[3] ?? "",
    headers,
    isChunked,
    // RFC 9112, section 6.3: the coding overrides the length.
    contentLength: isChunked ? null : contentLength,
    closes,
  };
}

/** Whether bytes may follow the head of the response to such a request (RFC 9112, section 6.3). */
export function hasResponseBody(method: string, status: number): boolean {
  return method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
}
