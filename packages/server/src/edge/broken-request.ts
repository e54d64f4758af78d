import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { AerostackError } from "@aerostack/contracts";
import { refuseUpgrade } from "../kernel/refuse-upgrade.ts";
import { renderError } from "./error-shapes.ts";
import { acceptRequestId } from "./request-id.ts";

const STATUS_TEXTS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
};

/** Node keeps the answer that is being written on a socket there. */
interface WithAnswer {
  readonly _httpMessage?: Pick<ServerResponse, "headersSent"> | null;
}

/** Answers what cannot be read as a request, in words where there are any, and closes. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  const isAnswering = (socket as Duplex & WithAnswer)._httpMessage?.headersSent === true;
  if (!socket.writable || isAnswering || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const plain = STATUS_TEXTS[error.code ?? ""];
  if (plain !== undefined) {
    socket.end(`HTTP/1.1 ${plain}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
    return;
  }
  const shown =
    error.code === "HPE_HEADER_OVERFLOW"
      ? new AerostackError("HEADERS_TOO_LARGE", { message: "All headers together may have 16 KB." })
      : new AerostackError("REQUEST_MALFORMED", {
          message: "The request could not be read.",
          fix: "Send it as HTTP/1.1 says (RFC 9112).",
        });
  const requestId = acceptRequestId(undefined);
  refuseUpgrade(socket, shown, renderError("/", shown, requestId).body, requestId);
}
