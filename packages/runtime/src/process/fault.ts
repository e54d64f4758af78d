import { AerostackError } from "@aerostack/contracts";
import type { OpenFlight } from "./flight-ledger.ts";

export type FaultCode = "FUNCTION_CPU_LIMIT" | "FUNCTION_MEMORY_LIMIT" | "FUNCTION_CRASHED";

/** Why a process came to its end, and who brought it there. */
export interface Fault {
  readonly code: FaultCode;
  readonly reason: string;
  /** The exchange most probably at fault; null when none was open. */
  readonly culprit: OpenFlight | null;
  /** Functions that had exchanges open, the most probable first. */
  readonly candidates: readonly string[];
  /** `performance.now()` of the last moment at which the process may have taken up new work. */
  readonly stoppedAt: number;
}

/**
 * Picks the exchange that most probably stopped the process from answering. While it did not answer nothing ended, so of
 * what is open the first to begin after the last sign of life is the one that ran; where none did, an older one went on
 * after waiting, and the one that began last is the likeliest.
 */
export function findBlocking(open: readonly OpenFlight[], lastAliveAt: number): OpenFlight | null {
  return open.find((flight) => flight.beganAt >= lastAliveAt) ?? open.at(-1) ?? null;
}

export function createFault(
  code: FaultCode,
  reason: string,
  open: readonly OpenFlight[],
  culprit: OpenFlight | null,
  stoppedAt: number,
): Fault {
  const candidates = new Set(culprit === null ? [] : [culprit.functionKey]);
  for (const flight of open) if (flight.beganAt <= stoppedAt) candidates.add(flight.functionKey);
  return { code, reason, culprit, candidates: [...candidates], stoppedAt };
}

/** Says in one sentence what happened, naming functions as their authors do. */
export function describeFault(fault: Fault, nameOf: (functionKey: string) => string): string {
  const [first, ...others] = fault.candidates;
  if (first === undefined) return `The project's process ended: ${fault.reason}`;
  const also =
    others.length === 0
      ? ""
      : ` ${others.map((key) => `'${nameOf(key)}'`).join(", ")} had requests in progress too, so it may have been one of them.`;
  return `The function '${nameOf(first)}' brought its process down: ${fault.reason}${also}`;
}

// Errors of a connection that carried nothing of the request.
const NEVER_SENT = new Set([
  "NEVER_SENT",
  "ECONNREFUSED",
  "ENOENT",
  "UND_ERR_CLOSED",
  "UND_ERR_DESTROYED",
  "UND_ERR_CONNECT_TIMEOUT",
]);

export function wasNeverSent(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" && NEVER_SENT.has(code);
}

/** The fault as the caller of one exchange learns of it. */
export function faultError(
  fault: Fault,
  flight: OpenFlight,
  error: unknown,
  nameOf: (functionKey: string) => string,
): AerostackError {
  const culpritKey = fault.culprit?.functionKey ?? null;
  const code = culpritKey === null || culpritKey === flight.functionKey ? fault.code : "FUNCTION_CRASHED";
  return new AerostackError(code, {
    message: describeFault(fault, nameOf),
    details: {
      functionKey: culpritKey,
      candidates: fault.candidates,
      retryable: flight !== fault.culprit,
      mayHaveRun: flight.beganAt <= fault.stoppedAt && !wasNeverSent(error),
    },
    cause: error,
  });
}

/**
 * The process lives and answers, yet broke this exchange off: workerd does so when what the handler waited for lost its
 * connection and the handler did not catch that.
 */
export function lostDependencyError(flight: OpenFlight, error: unknown): AerostackError {
  return new AerostackError("FUNCTION_DISCONNECTED", {
    details: { functionKey: flight.functionKey, candidates: [], retryable: true, mayHaveRun: true },
    // The data host is back within a second.
    retryAfterSeconds: 1,
    cause: error,
  });
}

/** The process gives no sign of life and has not ended either, or was stopped on purpose before the exchange ended. */
export function brokenConnectionError(flight: OpenFlight, error: unknown, stopped: boolean): AerostackError {
  return new AerostackError("FUNCTION_CRASHED", {
    message: stopped
      ? "The function's process was stopped before this exchange ended."
      : "The connection to the function broke.",
    details: {
      functionKey: flight.functionKey,
      candidates: [],
      retryable: stopped || wasNeverSent(error),
      mayHaveRun: !wasNeverSent(error),
    },
    cause: error,
  });
}
