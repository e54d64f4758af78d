import type { EventEmitter } from "node:events";
import type { Logger } from "./log.ts";

/**
 * Node writes warnings to the error output as plain text; here they become lines of the log. That something of Node is
 * experimental tells its operator nothing that they could act on.
 */
export function logWarnings(process: Pick<EventEmitter, "on" | "removeAllListeners">, log: Logger): void {
  process.removeAllListeners("warning");
  process.on("warning", (warning: Error) => {
    if (warning.name === "ExperimentalWarning") log.debug({ err: warning }, warning.message);
    else log.warn({ err: warning }, warning.message);
  });
}
