import { AerostackError } from "@aerostack/contracts";
import { errors } from "undici";
import type { ProcessRoute } from "./process/worker-process.ts";

/**
 * Has the trusted worker of a process deliver an event to a function.
 *
 * @param body `target` is added: the function's service, from its position among the project's functions
 * @throws FUNCTION_TIMEOUT, or why the process ended
 */
export async function dispatchEvent<Outcome>(
  route: ProcessRoute,
  path: "/queue" | "/scheduled",
  body: Readonly<Record<string, unknown>>,
  timeoutMs: number,
): Promise<Outcome> {
  const flight = route.begin();
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await route.process.entry.request({
      method: "POST",
      path,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, target: route.process.serviceOf(route.functionKey) }),
      signal,
    });
    if (response.statusCode !== 200) {
      await response.body.dump();
      throw new AerostackError("INTERNAL_ERROR", {
        cause: new Error(`the entry worker answered ${response.statusCode} to ${path}`),
      });
    }
    return (await response.body.json()) as Outcome;
  } catch (error) {
    if (error instanceof AerostackError) throw error;
    if (signal.aborted || error instanceof errors.HeadersTimeoutError) {
      throw new AerostackError("FUNCTION_TIMEOUT", {
        message: `The function did not finish within ${timeoutMs / 1000} s.`,
        cause: error,
      });
    }
    throw await flight.explain(error);
  } finally {
    flight.end();
  }
}
