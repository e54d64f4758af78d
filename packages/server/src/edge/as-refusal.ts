import { AerostackError } from "@aerostack/contracts";

/** What a guard answers when it cannot find out whether somebody may come in: what refused them, or that it is not known. */
export function asRefusal(cause: unknown): AerostackError {
  return cause instanceof AerostackError
    ? cause
    : new AerostackError("SERVICE_UNAVAILABLE", { cause, retryAfterSeconds: 1 });
}
