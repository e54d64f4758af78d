import type { Readable } from "node:stream";
import type { Clock } from "@aerostack/kernel";
import type { ProjectSpec, TailEntry } from "../types.ts";
import { createEngineFailures, type EngineFailures } from "./engine-failures.ts";
import { readEngineOutput } from "./engine-output.ts";
import { type FailedDeliveries, LINE_START } from "./failed-deliveries.ts";
import type { LineIntake } from "./line-intake.ts";
import { createLineReader } from "./line-reader.ts";
import { parseLine } from "./parse-tail.ts";

const MAX_FAILURE_CHARACTERS = 16_384;
/** Begins what the observer writes of lines that it left out itself: `{"dropped":<number>}`. */
const DROPPED = Buffer.from('{"dropped":');
/** Begins what it writes of an exception that may be caught yet. */
const SUSPECT = Buffer.from('{"kind":"suspect"');
const MAX_DROPPED_DIGITS = 9;
/** After a read that brought little, lines gather in the pipe for so long: one read then takes many. */
const GATHER_MS = 5;
const LITTLE_BYTES = 8 * 1024;

export interface ObserveOptions {
  readonly clock: Clock;
  readonly intake: LineIntake;
  readonly deliveries: FailedDeliveries;
}

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
  { clock, intake, deliveries }: ObserveOptions,
): EngineFailures {
  const { projectId, functions } = spec;
  const functionKeys = new Set(functions.map((one) => one.key));
  const reader = createLineReader();
  const failures = createEngineFailures({
    onFailure({ functionKey, requestId, message, exception }) {
      const only = functions.length === 1 ? (functions[0]?.key ?? null) : null;
      const text = message.slice(0, MAX_FAILURE_CHARACTERS);
      const entry: TailEntry = {
        projectId,
        functionKey: functionKey ?? only,
        kind: "exception",
        level: "error",
        time: clock.now(),
        requestId,
        message: text,
        ...(exception === undefined
          ? {}
          : { exception: { ...exception, message: exception.message.slice(0, MAX_FAILURE_CHARACTERS) } }),
      };
      intake.accept(projectId, [entry]);
    },
    onDropped: (count) => intake.drop(projectId, count),
  });
  readEngineOutput(errors, failures.failed);
  let open = 2;
  for (const stream of [output, errors]) {
    stream.on("close", () => {
      if (--open === 0) failures.settle();
    });
  }
  const resume = (): void => void output.resume();
  let resting: NodeJS.Timeout | undefined;
  output.on("data", (chunk: Buffer) => {
    // One chunk a turn: a pipe that is refilled while it is read would else be read 32 times before anybody else is served.
    output.pause();
    if (chunk.length < LITTLE_BYTES) resting = setTimeout(resume, GATHER_MS);
    else setImmediate(resume);
    takeIn(chunk);
  });
  output.on("close", () => clearTimeout(resting));
  output.on("error", () => {});

  function takeIn(chunk: Buffer): void {
    const exhausted = intake.isExhausted(projectId);
    const now = clock.now();
    const entries: TailEntry[] = [];
    let dropped = 0;
    reader.read(chunk, (json) => {
      if (json.subarray(0, DROPPED.length).equals(DROPPED)) {
        dropped += parseDropped(json);
      } else if (json.subarray(0, LINE_START.length).equals(LINE_START)) {
        deliveries.read(json);
      } else if (exhausted) {
        // Counted, not looked into: a flood is to cost next to nothing.
        dropped++;
      } else {
        const entry = parseLine(json.toString("utf8"), projectId, functionKeys, now);
        if (entry === null) return;
        if (json.subarray(0, SUSPECT.length).equals(SUSPECT)) {
          failures.suspect(entry);
          return;
        }
        if (entry.kind === "exception") failures.known(entry);
        entries.push(entry);
      }
    });
    intake.drop(projectId, dropped);
    intake.accept(projectId, entries);
  }
  return failures;
}

function parseDropped(json: Buffer): number {
  const digits = json.toString("latin1", DROPPED.length, DROPPED.length + MAX_DROPPED_DIGITS);
  return Number.parseInt(digits, 10) || 0;
}
