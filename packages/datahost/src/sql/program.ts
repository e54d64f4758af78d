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
}

/** In P5 of an instruction that opens a table: P2 is a register with the root page (OPFLAG_P2ISREG of sqliteInt.h). */
export const ROOT_IN_REGISTER = 0x10;

export interface ExplainRow extends Instruction {
  readonly addr: number;
}

/** EXPLAIN lists subprograms after the statement itself; each starts again at address 0. */
export function readProgram(rows: readonly ExplainRow[]): Program {
  const programs: Instruction[][] = [];
  for (const row of rows) {
    if (row.addr === 0) programs.push([]);
    programs.at(-1)?.push(row);
  }
  const [main, ...subprograms] = programs;
  return { main: main ?? [], subprograms };
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
