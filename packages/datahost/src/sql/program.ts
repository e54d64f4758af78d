import { CAPTURE_TRIGGER_PREFIX } from "../changes/names.ts";

/** One instruction of a compiled statement, as EXPLAIN lists it (https://sqlite.org/opcode.html). */
export interface Instruction {
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p4: string | number | null;
  readonly p5: number;
}

/** What SQLite will execute for a statement: its own instructions, and those of each trigger and foreign-key action. */
export interface Program {
  readonly main: readonly Instruction[];
  readonly subprograms: readonly (readonly Instruction[])[];
  /** Triggers of the platform's own see the rows that it changes. */
  readonly isCaptured: boolean;
}

/** In P5 of an instruction that opens a table: P2 is a register with the root page (OPFLAG_P2ISREG of sqliteInt.h). */
export const ROOT_IN_REGISTER = 0x10;

export interface ExplainRow extends Instruction {
  readonly addr: number;
}

/**
 * EXPLAIN lists subprograms after the statement itself; each starts again at address 0. Left out are the triggers by which
 * the platform learns of changes: they read nothing, write nothing and take a microsecond for a row.
 */
export function readProgram(rows: readonly ExplainRow[]): Program {
  const programs: Instruction[][] = [];
  for (const row of rows) {
    if (row.addr === 0) programs.push([]);
    programs.at(-1)?.push(row);
  }
  const [main, ...subprograms] = programs;
  const others = subprograms.filter((program) => !isCapture(program));
  return { main: main ?? [], subprograms: others, isCaptured: others.length < subprograms.length };
}

export function allInstructions(program: Program): Instruction[] {
  return [...program.main, ...program.subprograms.flat()];
}

/** The name of the function that an instruction calls: `P4` is "name(argument count)". */
export function calledFunction(instruction: Instruction): string | undefined {
  switch (instruction.opcode) {
    case "Function":
    case "PureFunc":
    case "AggStep":
    case "AggStep1":
    case "AggInverse":
    case "AggValue":
    case "AggFinal":
      return String(instruction.p4 ?? "")
        .replace(/\(.*$/s, "")
        .toLowerCase();
    default:
      return undefined;
  }
}

/** The first instruction of a trigger says its name, and no trigger of a user's can have this one. */
function isCapture([first]: readonly Instruction[]): boolean {
  return first?.opcode === "Init" && String(first.p4).startsWith(`-- TRIGGER ${CAPTURE_TRIGGER_PREFIX}`);
}
