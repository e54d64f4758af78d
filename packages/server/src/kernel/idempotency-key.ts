import type { IncomingHttpHeaders } from "node:http";
import { AerostackError } from "@aerostack/contracts";

const KEY = /^[\x20-\x7e]{1,255}$/;

/**
 * The `Idempotency-Key` of a call of the data plane; undefined where there is none.
 *
 * @throws VALIDATION_ERROR
 */
export function readIdempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const key = headers["idempotency-key"];
  if (key === undefined) return undefined;
  if (typeof key === "string" && KEY.test(key)) return key;
  throw new AerostackError("VALIDATION_ERROR", {
    message: "An Idempotency-Key has 1 to 255 printable ASCII characters.",
    fix: "Send a new UUID for each item, and the same one when you repeat its request.",
  });
}
