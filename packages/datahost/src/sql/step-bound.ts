import { type ControlFlow, type Coroutine, controlFlowOf } from "./control-flow.ts";
import { findCycles, reachableFrom } from "./cycles.ts";
import { isLinearFunction, isTrimWithoutSet } from "./linear-functions.ts";
import { allInstructions, calledFunction, type Instruction, type Program, ROOT_IN_REGISTER } from "./program.ts";

/**
 * How long a compiled statement can run, as far as it can be proved from its instructions. The host runs a statement in
 * its own process only where this says that control comes back soon; whatever cannot be proved is "unbounded" and runs in
 * a process that can be killed.
 */
export type StepBound =
  /** Ends after a number of steps that its text alone decides: no loop, or loops over values that the text lists. */
  | { readonly kind: "constant" }
  /** A read that may give any number of rows, with such a number of steps before each. */
  | { readonly kind: "row-by-row" }
  /** Loops over one table, once: short while the whole database has at most `maxPages` pages and the values are small. */
  | { readonly kind: "small-table"; readonly maxPages: number }
  | { readonly kind: "unbounded"; readonly reason: string };

/** What a b-tree of the database is, by its root page. */
export interface RootPage {
  /** Folded name of the table that it stores or indexes. */
  readonly table: string;
  readonly isIndex: boolean;
  /** Rows whose size nobody bounds: the inner tables of a virtual table. */
  readonly isShadow: boolean;
}

export interface StepBoundOptions {
  readonly readonly: boolean;
  readonly sqlLength: number;
  readonly rootPage: (root: number) => RootPage | undefined;
}

/** Aggregates that keep no more than one value. */
const CONSTANT_AGGREGATES = new Set(["count", "sum", "total", "avg", "min", "max"]);

/** Functions and concatenations in one pass: each may go over a value of two megabytes. */
const MAX_VALUE_PASSES = 16;
const MAX_READ_CURSORS = 8;
/** How often a read may use the same column of the same cursor: each use copies the value. */
const MAX_COLUMN_USES = 3;
const MAX_INSTRUCTIONS = 5_000;

/** A page of 4 KiB holds up to some 680 of the smallest rows; this many pages are looped over in about ten milliseconds. */
const SMALL_SCAN_PAGES = 64;
/** The same where each row is written, sorted or kept. */
const SMALL_WORK_PAGES = 16;
/** In a sort each row may carry the statement's own texts along. */
const MAX_SMALL_TABLE_SQL = 1_500;

const unbounded = (reason: string): StepBound => ({ kind: "unbounded", reason });

export function boundSteps(program: Program, options: StepBoundOptions): StepBound {
  const reason = findCostlyInstruction(program, options);
  if (reason !== undefined) return unbounded(reason);
  // What triggers may do to the rows of other tables is not followed.
  if (program.subprograms.length > 0) return unbounded("a trigger or a foreign key's action");
  const flow = controlFlowOf(program.main);
  if ("unknownOpcode" in flow) return unbounded(`opcode ${flow.unknownOpcode}`);
  return boundLoops(program, flow, options);
}

/** Instructions whose own cost is not bounded, or too many of those whose cost is large. */
function findCostlyInstruction(program: Program, options: StepBoundOptions): string | undefined {
  const instructions = allInstructions(program);
  if (instructions.length > MAX_INSTRUCTIONS) return "too many instructions";
  let valuePasses = 0;
  const cursors = new Set<number>();
  const columnUses = new Map<string, number>();
  for (const instruction of instructions) {
    const { opcode, p1, p2, p3, p4, p5 } = instruction;
    switch (opcode) {
      case "OpenRead":
      case "OpenWrite":
      case "ReopenIdx": {
        if (p3 !== 0) return "a temporary table";
        if ((p5 & ROOT_IN_REGISTER) !== 0) return "a table that is being made";
        const root = options.rootPage(p2);
        if (root === undefined) return "an unknown table";
        if (root.isShadow) return "the inner table of a virtual table";
        cursors.add(p1);
        break;
      }
      case "Column": {
        const use = `${p1}:${p2}`;
        columnUses.set(use, (columnUses.get(use) ?? 0) + 1);
        break;
      }
      case "Concat":
        valuePasses++;
        break;
      case "Cast":
        valuePasses++;
        break;
      default: {
        const name = calledFunction(instruction);
        if (name === undefined) break;
        if (!isLinearFunction(name) && !isTrimWithoutSet(String(p4))) return `function ${name}`;
        valuePasses++;
      }
    }
  }
  if (valuePasses > MAX_VALUE_PASSES) return "too many functions";
  if (options.readonly) {
    if (cursors.size > MAX_READ_CURSORS) return "too many tables";
    for (const uses of columnUses.values()) if (uses > MAX_COLUMN_USES) return "too many copies of a column";
  }
  return undefined;
}

function boundLoops(program: Program, flow: ControlFlow, options: StepBoundOptions): StepBound {
  const { main } = program;
  const isRow = (node: number) => options.readonly && main[node]?.opcode === "ResultRow";
  const reachable = reachableFrom(flow.successors, 0);
  const rows = new Set([...reachable].filter(isRow));
  const loopsWithoutRow = findCycles(flow.successors, rows);
  const counts = [...reachable].some((node) => main[node]?.opcode === "Count");
  const tableLoops: Set<number>[] = [];
  for (const loop of loopsWithoutRow) {
    if (isListedByText(main, flow, loop, loopsWithoutRow)) continue;
    if (isSequenceLookup(main, flow, loop, options)) continue;
    tableLoops.push(loop);
  }
  if (tableLoops.length > 0 || counts) return boundTableLoops(main, flow, tableLoops, options);
  const rowLoops = findCycles(flow.successors, new Set()).filter((loop) => [...loop].some(isRow));
  if (rowLoops.length === 0) return { kind: "constant" };
  // A recursive query makes rows from rows: what it gives next may be longer each time.
  const keeps = rowLoops.some((loop) => nodesOf(main, loop, INSERTS).length > 0);
  return keeps ? unbounded("rows made from rows") : { kind: "row-by-row" };
}

/**
 * Whether the statement's text lists what the loop goes over: the rows of a VALUES clause (a coroutine without a loop of
 * its own), or a list that was put into a table of its own outside of any loop, as for `IN (?, ?, ?)`.
 */
function isListedByText(
  main: readonly Instruction[],
  flow: ControlFlow,
  loop: ReadonlySet<number>,
  loops: readonly ReadonlySet<number>[],
): boolean {
  if (isValuesLoop(main, flow, loop)) return true;
  // The list itself may have been filled from the rows of a VALUES clause.
  const isInUnlistedLoop = (node: number) =>
    loops.some((other) => other.has(node) && (other === loop || !isValuesLoop(main, flow, other)));
  for (const cursor of new Set(nodesOf(main, loop, STEPS).map((node) => main[node]?.p1 ?? -1))) {
    const opens = allNodes(main, (instruction) => OPENS.has(instruction.opcode) && instruction.p1 === cursor);
    if (!opens.every((node) => main[node]?.opcode === "OpenEphemeral" && !loop.has(node))) continue;
    const inserts = allNodes(main, (instruction) => INSERTS.has(instruction.opcode) && instruction.p1 === cursor);
    if (opens.length === 0 || inserts.some(isInUnlistedLoop)) continue;
    const steps = nodesOf(main, loop, STEPS).filter((node) => main[node]?.p1 === cursor);
    if (findCycles(flow.successors, new Set(steps), loop).length === 0) return true;
  }
  return false;
}

function isValuesLoop(main: readonly Instruction[], flow: ControlFlow, loop: ReadonlySet<number>): boolean {
  return flow.coroutines.some(
    (coroutine) =>
      isListOfValues(main, flow, coroutine, loop) &&
      findCycles(flow.successors, new Set(coroutine.producerYields), loop).length === 0,
  );
}

/** A coroutine that gives a fixed number of rows: its body has no loop, calls nothing, and is not started in the loop. */
function isListOfValues(
  main: readonly Instruction[],
  flow: ControlFlow,
  coroutine: Coroutine,
  loop: ReadonlySet<number>,
): boolean {
  const register = main[coroutine.init]?.p1;
  if (nodesOf(main, loop, STARTS).some((node) => main[node]?.p1 === register)) return false;
  const yields = new Set(coroutine.producerYields);
  const body = new Set<number>();
  for (let node = coroutine.bodyStart; node < coroutine.bodyEnd; node++) {
    if (!yields.has(node) && CALLS.has(main[node]?.opcode ?? "")) return false;
    body.add(node);
  }
  // Seen from inside, a yield goes on with the next instruction once the consumer wants more.
  const resumed = flow.successors.map((targets, node) => (yields.has(node) ? [node + 1] : targets));
  return findCycles(resumed, new Set(), body).length === 0;
}

const STARTS = new Set(["InitCoroutine"]);
const CALLS = new Set(["InitCoroutine", "Yield", "Gosub", "Program"]);
const STEPS = new Set(["Next", "Prev"]);
const ANY_STEP = new Set(["Next", "Prev", "SorterNext", "RowSetRead"]);
const OPENS = new Set([
  "OpenRead",
  "OpenWrite",
  "ReopenIdx",
  "OpenEphemeral",
  "OpenAutoindex",
  "OpenDup",
  "SorterOpen",
]);
const REAL_OPENS = new Set(["OpenRead", "OpenWrite", "ReopenIdx"]);
const INSERTS = new Set(["Insert", "IdxInsert"]);

/** AUTOINCREMENT looks its counter up in sqlite_sequence, which has one row for each such table. */
function isSequenceLookup(
  main: readonly Instruction[],
  flow: ControlFlow,
  loop: ReadonlySet<number>,
  options: StepBoundOptions,
): boolean {
  const steps = nodesOf(main, loop, ANY_STEP);
  const [step] = steps;
  if (step === undefined || steps.length !== 1) return false;
  const cursor = main[step]?.p1 ?? -1;
  const roots = opensReaching(main, flow, step, cursor);
  return (
    roots.length > 0 &&
    roots.every((node) => options.rootPage(main[node]?.p2 ?? -1)?.table === "sqlite_sequence") &&
    findCycles(flow.successors, new Set(steps), loop).length === 0
  );
}

/** The instructions that may have opened a cursor when control is at `node`. */
function opensReaching(main: readonly Instruction[], flow: ControlFlow, node: number, cursor: number): number[] {
  const predecessors: number[][] = main.map(() => []);
  flow.successors.forEach((targets, from) => {
    for (const target of targets) predecessors[target]?.push(from);
  });
  const found: number[] = [];
  const seen = new Set<number>([node]);
  const waiting = [node];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    const instruction = main[at];
    if (instruction !== undefined && OPENS.has(instruction.opcode) && instruction.p1 === cursor) {
      found.push(at);
      continue;
    }
    for (const before of predecessors[at] ?? []) {
      if (!seen.has(before)) {
        seen.add(before);
        waiting.push(before);
      }
    }
  }
  return found;
}

/** Loops over one table, not nested, that look at each row once and carry nothing large along. */
function boundTableLoops(
  main: readonly Instruction[],
  flow: ControlFlow,
  loops: readonly ReadonlySet<number>[],
  options: StepBoundOptions,
): StepBound {
  if (options.sqlLength > MAX_SMALL_TABLE_SQL) return unbounded("a loop in a long statement");
  if (flow.coroutines.length > 0) return unbounded("a loop over a subquery");
  const joined = findSecondTable(main, options);
  if (joined !== undefined) return unbounded(joined);
  let keepsRows = !options.readonly;
  let scans = 0;
  for (const loop of loops) {
    const steps = nodesOf(main, loop, ANY_STEP);
    const cursors = new Set(steps.map((node) => main[node]?.p1 ?? -1));
    if (cursors.size !== 1) return unbounded("nested loops");
    if (findCycles(flow.successors, new Set(steps), loop).length > 0) return unbounded("a loop without an end");
    const [cursor] = cursors;
    if (main.some((other) => REAL_OPENS.has(other.opcode) && other.p1 === cursor)) scans++;
    for (const node of loop) {
      const instruction = main[node];
      if (instruction === undefined) continue;
      const costly = costInLoop(instruction);
      if (costly !== undefined) return unbounded(`${costly} in a loop`);
      if (instruction.opcode === "SorterInsert" || INSERTS.has(instruction.opcode)) keepsRows = true;
    }
  }
  if (scans > 1) return unbounded("several scans");
  return { kind: "small-table", maxPages: keepsRows ? SMALL_WORK_PAGES : SMALL_SCAN_PAGES };
}

/**
 * A second cursor that is not an index of the first could read the same large row again for each row of the loop. An index
 * that leads to its table does so by DeferredSeek; indexes that are kept up to date are opened for writing.
 */
function findSecondTable(main: readonly Instruction[], options: StepBoundOptions): string | undefined {
  const tables = new Set<string>();
  const written = new Set<number>();
  const opened = new Set<number>();
  for (const { opcode, p1, p2 } of main) {
    if (!REAL_OPENS.has(opcode)) continue;
    tables.add(options.rootPage(p2)?.table ?? "");
    opened.add(p1);
    if (opcode === "OpenWrite") written.add(p1);
  }
  if (tables.size > 1) return "a loop over several tables";
  const readers = [...opened].filter((cursor) => !written.has(cursor));
  const linked = (index: number, table: number) =>
    main.some(({ opcode, p1, p3 }) => opcode === "DeferredSeek" && p1 === index && p3 === table);
  const isPair = readers.length === 2 && readers.some((a) => readers.some((b) => a !== b && linked(a, b)));
  const allowed = readers.length <= 1 || (isPair && written.size === 0);
  return allowed ? undefined : "a loop over a table joined with itself";
}

function costInLoop(instruction: Instruction): string | undefined {
  const { opcode, p4 } = instruction;
  if (opcode === "Concat" || opcode === "Cast" || opcode === "Program" || OPENS.has(opcode)) return opcode;
  if (typeof p4 === "string" && p4.includes("RTRIM")) return "collation RTRIM";
  const name = calledFunction(instruction);
  if (name === undefined) return undefined;
  const isAggregate = opcode.startsWith("Agg");
  return isAggregate && CONSTANT_AGGREGATES.has(name) ? undefined : `function ${name}`;
}

function nodesOf(main: readonly Instruction[], loop: ReadonlySet<number>, opcodes: ReadonlySet<string>): number[] {
  return [...loop].filter((node) => opcodes.has(main[node]?.opcode ?? ""));
}

function allNodes(main: readonly Instruction[], matches: (instruction: Instruction) => boolean): number[] {
  return main.flatMap((instruction, node) => (matches(instruction) ? [node] : []));
}
