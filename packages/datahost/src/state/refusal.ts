import type { ServerResponse } from "node:http";
import { AerostackError, type ErrorCode } from "@aerostack/contracts/errors";
import { textToReason } from "./header-text.ts";
import { BodyAbortedError, BodyTooLargeError } from "./read-body.ts";

/**
 * An operation refused for a reason that its caller can mend. A binding answers with the status, and the message as its
 * reason phrase: workerd's bindings put that into the errors they throw, such as `KV PUT failed: <status> <message>`.
 * So the messages here are Cloudflare's own.
 */
export class Refusal extends Error {
  readonly status: number;
  /** What the platform's own interfaces answer. */
  readonly code: ErrorCode;
  /** What a binding reads besides the status. */
  readonly headers: Readonly<Record<string, string>>;
  /** What the platform's own interfaces say of it besides: `details.reason`. */
  readonly reason: string | undefined;

  constructor(
    status: number,
    code: ErrorCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    reason?: string,
  ) {
    super(message);
    this.name = "Refusal";
    this.status = status;
    this.code = code;
    this.headers = headers;
    this.reason = reason;
  }
}

export function answerRefusal(
  res: ServerResponse,
  status: number,
  message: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(message);
  res.writeHead(status, textToReason(message), {
    ...headers,
    "content-length": body.length,
    "content-type": "text/plain",
  });
  res.end(body);
}

/** Answers a binding's request that failed. @throws what is no refusal, a defect of ours. */
export function answerFailure(res: ServerResponse, error: unknown): void {
  if (error instanceof BodyAbortedError) res.destroy();
  else if (error instanceof Refusal) answerRefusal(res, error.status, error.message, error.headers);
  else if (error instanceof BodyTooLargeError) answerRefusal(res, 413, "Payload Too Large");
  else throw error;
}

/** Turns refusals of a call between processes into the platform's errors. */
export function refusalsAsErrors<Params, Result>(handler: (params: Params) => Result): (params: Params) => Result {
  return (params) => {
    try {
      const result = handler(params);
      return (result instanceof Promise ? result.catch(rethrow) : result) as Result;
    } catch (error) {
      return rethrow(error);
    }
  };
}

function rethrow(error: unknown): never {
  if (!(error instanceof Refusal)) throw error;
  const { code, message, reason } = error;
  throw new AerostackError(code, { message, ...(reason === undefined ? {} : { details: { reason } }) });
}
