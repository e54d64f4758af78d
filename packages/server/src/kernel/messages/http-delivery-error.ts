import { DeliveryError } from "./message.ts";

const TOO_MANY_REQUESTS = 429;
const FIRST_SERVER_ERROR = 500;
const MAX_SHOWN_CHARACTERS = 300;

/** What an answer that is not 2xx means for the message: too many and their own errors pass, all else stays. */
export async function httpDeliveryError(who: string, answer: Response): Promise<DeliveryError> {
  const text = await answer.text().catch(() => "");
  const isTemporary = answer.status === TOO_MANY_REQUESTS || answer.status >= FIRST_SERVER_ERROR;
  return new DeliveryError(`${who} answered ${answer.status}: ${messageOf(text)}`, isTemporary);
}

export function networkDeliveryError(who: string, error: unknown): DeliveryError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new DeliveryError(`${who} could not be reached: ${reason}`, true, error);
}

/** The providers say what is wrong in `message`. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string") return message.slice(0, MAX_SHOWN_CHARACTERS);
  } catch {
    // Not JSON: shown as it is.
  }
  return text.slice(0, MAX_SHOWN_CHARACTERS);
}
