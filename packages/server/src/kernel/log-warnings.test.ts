import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { createLogger } from "./log.ts";
import { logWarnings } from "./log-warnings.ts";

it("Node's warnings are lines of the log, and what is experimental in Node is none by default", () => {
  const lines: string[] = [];
  const log = createLogger({ level: "info", destination: { write: (line) => void lines.push(line) } });
  const process = new EventEmitter();
  const printed: string[] = [];
  process.on("warning", (warning: Error) => printed.push(warning.message));
  logWarnings(process, log);
  process.emit("warning", Object.assign(new Error("may change"), { name: "ExperimentalWarning" }));
  process.emit("warning", Object.assign(new Error("too many listeners"), { name: "MaxListenersExceededWarning" }));
  expect(printed).toEqual([]);
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(["too many listeners"]);
});
