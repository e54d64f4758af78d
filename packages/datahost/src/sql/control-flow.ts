import type { Instruction } from "./program.ts";

/** Instructions that go on with the next one. */
const STRAIGHT = new Set(
  `Transaction ReadCookie OpenRead OpenWrite ReopenIdx OpenEphemeral OpenAutoindex OpenPseudo SorterOpen OpenDup Close
   ColumnsUsed CursorHint Variable Integer Int64 Real String8 String Null SoftNull Blob Move Copy SCopy IntCopy AddImm Add
   Subtract Multiply Divide Remainder BitAnd BitOr BitNot ShiftLeft ShiftRight Not And Or Concat Cast Affinity
   RealAffinity TypeCheck IsTrue ZeroOrNull MakeRecord Column Rowid IdxRowid RowData RowCell SorterData Sequence Insert
   Delete IdxInsert IdxDelete SorterInsert ResetSorter NewRowid DeferredSeek FinishSeek NullRow SeekHit SeekEnd CollSeq
   Compare Permutation Function PureFunc AggStep AggStep1 AggInverse AggValue AggFinal ClrSubtype GetSubtype SetSubtype
   FkCounter FkCheck ResetCount HaltIfNull Param MemMax OffsetLimit ResultRow RowSetAdd FilterAdd BeginSubrtn Count
   ReleaseReg Noop Explain Trace Expire CursorLock CursorUnlock Abortable`.split(/\s+/),
);

/** Instructions that go on with the next one or at P2. */
const BRANCHES_TO_P2 = new Set(
  `MustBeInt Once If IfNot IsType IfNullRow SeekLT SeekLE SeekGE SeekGT IfNotOpen IfNoHope NoConflict NotFound Found
   SeekRowid NotExists Last IfSizeBetween SorterSort Sort Rewind IfEmpty SorterNext Prev Next IdxLE IdxGT IdxLT IdxGE
   RowSetRead RowSetTest Program IsNull NotNull Ne Eq Gt Le Lt Ge ElseEq FkIfZero IfPos IfNotZero DecrJumpZero Filter
   SorterCompare SequenceTest`.split(/\s+/),
);

export interface ControlFlow {
  /** Where control can go from each instruction. */
  readonly successors: readonly (readonly number[])[];
  /** Coroutines: the register that names each, its body, and the yields inside and outside of it. */
  readonly coroutines: readonly Coroutine[];
}

export interface Coroutine {
  readonly init: number;
  readonly bodyStart: number;
  /** After the body. */
  readonly bodyEnd: number;
  readonly producerYields: readonly number[];
}

/**
 * Everywhere that control can go in a program, or the first opcode that is not known here. It errs on the side of more
 * paths: a subroutine may return to any of its callers.
 */
export function controlFlowOf(program: readonly Instruction[]): ControlFlow | { readonly unknownOpcode: string } {
  const coroutines = findCoroutines(program);
  const successors: number[][] = [];
  for (let at = 0; at < program.length; at++) {
    const instruction = program[at];
    if (instruction === undefined) break;
    const next = successorsOf(program, at, instruction, coroutines);
    if (next === undefined) return { unknownOpcode: instruction.opcode };
    successors.push(next.filter((target) => target >= 0 && target < program.length));
  }
  return { successors, coroutines };
}

function successorsOf(
  program: readonly Instruction[],
  at: number,
  instruction: Instruction,
  coroutines: readonly Coroutine[],
): number[] | undefined {
  const { opcode, p1, p2, p3 } = instruction;
  if (STRAIGHT.has(opcode)) return [at + 1];
  if (BRANCHES_TO_P2.has(opcode)) return p2 > 0 ? [at + 1, p2] : [at + 1];
  switch (opcode) {
    case "Init":
      return [p2 > 0 ? p2 : at + 1];
    case "Goto":
      return [p2];
    case "Jump":
      return [p1, p2, p3];
    case "Halt":
      return [];
    case "Gosub":
      return [p2];
    case "Return": {
      const callers = indexesOf(program, (other) => other.opcode === "Gosub" && other.p1 === p1);
      const returns = callers.map((caller) => caller + 1);
      return p3 === 1 ? [...returns, at + 1] : returns;
    }
    case "InitCoroutine":
      return [p2 > 0 ? p2 : at + 1];
    case "Yield":
      return successorsOfYield(program, at, p1, coroutines);
    case "EndCoroutine":
      // The consumer's yield says where to go when nothing comes any more.
      return consumerYields(program, p1, coroutines).map((index) => program[index]?.p2 ?? -1);
    default:
      return undefined;
  }
}

function successorsOfYield(
  program: readonly Instruction[],
  at: number,
  register: number,
  coroutines: readonly Coroutine[],
): number[] {
  const own = coroutines.filter((coroutine) => program[coroutine.init]?.p1 === register);
  if (own.some((coroutine) => isInBody(coroutine, at))) {
    return consumerYields(program, register, coroutines).map((index) => index + 1);
  }
  return own.flatMap((coroutine) => [coroutine.bodyStart, ...coroutine.producerYields.map((index) => index + 1)]);
}

function consumerYields(program: readonly Instruction[], register: number, coroutines: readonly Coroutine[]): number[] {
  const own = coroutines.filter((coroutine) => program[coroutine.init]?.p1 === register);
  return indexesOf(program, (other) => other.opcode === "Yield" && other.p1 === register).filter(
    (index) => !own.some((coroutine) => isInBody(coroutine, index)),
  );
}

function isInBody(coroutine: Coroutine, at: number): boolean {
  return at >= coroutine.bodyStart && at < coroutine.bodyEnd;
}

function findCoroutines(program: readonly Instruction[]): Coroutine[] {
  return indexesOf(program, (instruction) => instruction.opcode === "InitCoroutine").map((init) => {
    const { p1, p2, p3 } = program[init] as Instruction;
    const end = program.findIndex((other, index) => index >= p3 && other.opcode === "EndCoroutine" && other.p1 === p1);
    const bodyEnd = p2 > p3 ? p2 : end === -1 ? program.length : end + 1;
    const producerYields = indexesOf(program, (other) => other.opcode === "Yield" && other.p1 === p1).filter(
      (index) => index >= p3 && index < bodyEnd,
    );
    return { init, bodyStart: p3, bodyEnd, producerYields };
  });
}

function indexesOf(program: readonly Instruction[], matches: (instruction: Instruction) => boolean): number[] {
  const found: number[] = [];
  for (let at = 0; at < program.length; at++) {
    const instruction = program[at];
    if (instruction !== undefined && matches(instruction)) found.push(at);
  }
  return found;
}
