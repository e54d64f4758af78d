import { oneLine } from "@aerostack/kernel";
import { dispatchEvent } from "./dispatch-event.ts";
import type { ProcessRoute } from "./process/worker-process.ts";
import type { QueueMessage, QueueOutcome } from "./types.ts";

export interface Batch {
  readonly queue: string;
  readonly messages: readonly QueueMessage[];
}

/** Of what a function says that it failed with. */
const MAX_ERROR_BYTES = 1024;

/** Calls a function's `queue()`, and says what it failed with. @throws as `dispatchEvent` */
export async function deliverBatch(route: ProcessRoute, batch: Batch, timeoutMs: number): Promise<QueueOutcome> {
  const expected = route.process.expectFailure(route.functionKey, batch.messages[0]?.id ?? "");
  try {
    const body = { ...batch, hasTail: expected === null };
    const outcome = await dispatchEvent<QueueOutcome>(route, "/queue", body, timeoutMs);
    if (outcome.outcome === "ok") return { ...outcome, error: null };
    const error = expected === null ? outcome.error : await expected.text();
    return { ...outcome, error: error === null ? null : oneLine(error, MAX_ERROR_BYTES) };
  } finally {
    expected?.end();
  }
}
