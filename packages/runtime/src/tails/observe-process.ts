import type { Readable } from "node:stream";
import type { Clock } from "@aerostack/kernel";
import type { ProjectSpec, TailEntry } from "../types.ts";
import { createEngineFailures, type EngineFailures } from "./engine-failures.ts";
import type { LineIntake } from "./line-intake.ts";
import { createLineReader } from "./line-reader.ts";
import { parseLine } from "./parse-tail.ts";

const MAX_FAILURE_CHARACTERS = 16_384;

/**
 * Takes in what the functions of one process write to its standard output, chunk by chunk as the event loop offers them,
 * so that processes take turns. Where this falls behind, the pipe fills, and only its own process waits.
 *
 * @param errors the process's error output, where the runtime prints the failures that it alone sees
 */
export function observeProcess(
  spec: ProjectSpec,
  output: Readable,
  errors: Readable,
  { clock, intake }: { readonly clock: Clock; readonly intake: LineIntake },
): EngineFailures {
  const { projectId, functions } = spec;
  const functionKeys = new Set(functions.map((one) => one.key));
  const reader = createLineReader();
  const failures = createEngineFailures(errors, {
    onFailure(name, message) {
      const text = message.slice(0, MAX_FAILURE_CHARACTERS);
      const entry: TailEntry = {
        projectId,
        // The runtime does not say which function it was; a project with one leaves no doubt.
        functionKey: functions.length === 1 ? (functions[0]?.key ?? null) : null,
        kind: "exception",
        level: "error",
        time: clock.now(),
        requestId: null,
        message: `${name}: ${text}`,
        exception: { name, message: text, stack: null },
      };
      intake.accept(projectId, [entry]);
    },
    onDropped: (count) => intake.drop(projectId, count),
  });
  output.on("data", (chunk: Buffer) => {
    if (intake.isExhausted(projectId)) {
      intake.drop(projectId, reader.count(chunk));
      return;
    }
    const entries: TailEntry[] = [];
    const now = clock.now();
    reader.read(chunk, (json) => {
      const entry = parseLine(json, projectId, functionKeys, now);
      if (entry === null) return;
      if (entry.kind === "exception") failures.known(entry.message);
      entries.push(entry);
    });
    intake.accept(projectId, entries);
  });
  output.on("error", () => {});
  return failures;
}
