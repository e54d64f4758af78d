import type { ErrorCode } from "@aerostack/contracts";

/** A refused operation. The message is Cloudflare's, which functions see as `KV PUT failed: <status> <message>`. */
export class KvError extends Error {
  readonly status: number;
  /** What the platform's own API answers. */
  readonly code: ErrorCode;

  constructor(status: number, code: ErrorCode, message: string) {
    super(message);
    this.name = "KvError";
    this.status = status;
    this.code = code;
  }
}
