/** What the server, or the network, said about a request that did not succeed. */
export interface ClientErrorFacts {
  /** As the server names it, such as `VALIDATION_ERROR`; `NETWORK_ERROR` or `NETWORK_TIMEOUT` where none answered. */
  readonly code: string;
  readonly message: string;
  /** HTTP status; 0 where there was no answer. */
  readonly status: number;
  /** What the caller can do about it. */
  readonly fix?: string | undefined;
  /** By field, what is wrong with it. */
  readonly fieldErrors?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Names the request in the project's log. */
  readonly requestId?: string | undefined;
  /** Seconds to wait before another attempt. */
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** Every method of the client that fails throws this. */
export class AerostackClientError extends Error {
  override readonly name = "AerostackClientError";
  readonly code: string;
  readonly status: number;
  readonly fix: string | undefined;
  readonly fieldErrors: Readonly<Record<string, readonly string[]>>;
  readonly requestId: string | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(facts: ClientErrorFacts) {
    super(facts.message, { cause: facts.cause });
    this.code = facts.code;
    this.status = facts.status;
    this.fix = facts.fix;
    this.fieldErrors = facts.fieldErrors ?? {};
    this.requestId = facts.requestId;
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(...values: readonly unknown[]): string | undefined {
  return values.find((value): value is string => typeof value === "string" && value !== "");
}

/** Reads an error in any of the shapes that the server's interfaces have. */
export async function readError(response: Response): Promise<AerostackClientError> {
  const raw = await response.text().catch(() => "");
  let body: Readonly<Record<string, unknown>> = {};
  try {
    body = record(JSON.parse(raw));
  } catch {
    // A proxy's own page, or nothing: the status has to do.
  }
  const nested = record(body.error);
  const details = record(body.details ?? nested.details);
  const fieldErrors = record(details.fieldErrors) as Readonly<Record<string, readonly string[]>>;
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new AerostackClientError({
    // The data plane keeps to the codes that its older clients know, and tells the exact one in the details.
    code: text(details.code, body.code, nested.code) ?? "REQUEST_FAILED",
    message: text(body.message, nested.message, body.error) ?? `The server answered ${response.status}.`,
    status: response.status,
    fix: text(body.fix, nested.fix, details.fix, details.suggestion),
    fieldErrors,
    requestId: response.headers.get("x-request-id") ?? undefined,
    retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
  });
}
