import { isLinearFunction, isTrimWithoutSet } from "./linear-functions.ts";
import { calledFunction, type Instruction, type Program } from "./program.ts";
import type { RootPage } from "./step-bound.ts";

/** Whether a write can make a row longer than the row that was there before and the values bound to the statement. */
export interface ValueGrowth {
  readonly canGrow: boolean;
  /** How often the statement uses the parameter that it uses most. */
  readonly maxParameterUses: number;
  /** Of the widest record that it makes. */
  readonly columns: number;
  /** Whether rows that exist are changed: then the limit of a row is shared among its columns. */
  readonly changesRows: boolean;
}

/**
 * A row grows by building values (`a || a`, hex, group_concat), by taking a value twice (`SET a = b`), by joining rows, and
 * by what triggers do. Whatever is not plainly none of these counts as growing.
 */
export function analyseGrowth(program: Program, rootPage: (root: number) => RootPage | undefined): ValueGrowth {
  const { main } = program;
  const parameterUses = new Map<number, number>();
  let columns = 1;
  let builds = program.subprograms.length > 0;
  for (const instruction of main) {
    if (instruction.opcode === "Variable") count(parameterUses, instruction.p1);
    else if (instruction.opcode === "MakeRecord") columns = Math.max(columns, instruction.p2);
    else if (instruction.opcode === "VUpdate" || buildsValue(main, instruction)) builds = true;
  }
  return {
    canGrow: builds || takesTwice(program, rootPage),
    maxParameterUses: Math.max(1, ...parameterUses.values()),
    columns,
    changesRows: main.some(({ opcode }) => opcode === "Column"),
  };
}

function buildsValue(main: readonly Instruction[], instruction: Instruction): boolean {
  if (instruction.opcode === "Concat") return true;
  const name = calledFunction(instruction);
  if (name === undefined) return false;
  // A format that is a column or a parameter may stand for ten times its length.
  if (name === "strftime") return !isLiteral(main, instruction.p2);
  return !isLinearFunction(name) && !isTrimWithoutSet(String(instruction.p4));
}

function isLiteral(main: readonly Instruction[], register: number): boolean {
  const writers = main.filter(({ opcode, p2, p3 }) => (opcode === "Column" ? p3 === register : p2 === register));
  return writers.some(({ opcode }) => opcode === "String8") && !writers.some(({ opcode }) => DYNAMIC.has(opcode));
}

const DYNAMIC = new Set(["Column", "Variable", "Copy", "SCopy"]);

/**
 * Whether a column is read more than once, or rows of several cursors: apart from keys of index entries that are deleted, and
 * from what is read only for the triggers by which the platform learns of changes.
 */
function takesTwice(program: Program, rootPage: (root: number) => RootPage | undefined): boolean {
  const { main } = program;
  const isStored = program.isCaptured ? storedRegisters(main) : () => true;
  const indexCursors = new Set<number>();
  for (const { opcode, p1, p2 } of main) {
    if ((opcode === "OpenRead" || opcode === "OpenWrite") && rootPage(p2)?.isIndex === true) indexCursors.add(p1);
  }
  const uses = new Map<string, number>();
  const cursors = new Set<number>();
  main.forEach((instruction, at) => {
    const { opcode, p1, p2, p3 } = instruction;
    if (opcode === "RowData") cursors.add(p1);
    if (opcode !== "Column" || !isStored(p3) || feedsIndexDelete(main, at, p3)) return;
    const key = `${p1}:${p2}`;
    uses.set(key, (uses.get(key) ?? 0) + 1);
    if (!indexCursors.has(p1)) cursors.add(p1);
  });
  return cursors.size > 1 || [...uses.values()].some((times) => times > 1);
}

/** Whether a register becomes part of a record, or is copied, so that it may. */
function storedRegisters(main: readonly Instruction[]): (register: number) => boolean {
  const ranges = main.flatMap(({ opcode, p1, p2, p3 }): (readonly [first: number, count: number])[] => {
    if (opcode === "MakeRecord") return [[p1, p2]];
    if (opcode === "Copy") return [[p1, p3 + 1]];
    if (opcode === "Move") return [[p1, Math.max(1, p3)]];
    return opcode === "SCopy" ? [[p1, 1]] : [];
  });
  return (register) => ranges.some(([first, count]) => register >= first && register < first + count);
}

/** Keys are put together right before the entry is deleted. */
function feedsIndexDelete(main: readonly Instruction[], at: number, register: number): boolean {
  for (let next = at + 1; next < main.length; next++) {
    const { opcode, p2, p3 } = main[next] as Instruction;
    if (opcode === "IdxDelete") return register >= p2 && register < p2 + p3;
    if (opcode !== "Column" && opcode !== "Rowid" && opcode !== "IdxRowid") return false;
  }
  return false;
}

function count(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
