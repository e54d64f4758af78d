import { AerostackError } from "@aerostack/contracts/errors";
import type { Token } from "./tokenizer.ts";

/** A value as the driver binds it. */
export type BindValue = string | number | bigint | Buffer | null;

/**
 * Where each parameter of a statement goes. Callers bind by position, as SQLite numbers parameters; the driver wants
 * anonymous ones in a list and named ones (it counts `?3` among them) in an object.
 */
export interface ParameterLayout {
  /** SQLite's number of the highest parameter: how many values must be bound. */
  readonly count: number;
  /** Positions of the anonymous ones, or undefined when all are anonymous. */
  readonly anonymous?: readonly number[];
  /** Names without their first character, and the position of each. */
  readonly named?: readonly (readonly [name: string, position: number])[];
}

const MAX_PARAMETER_NUMBER = 32_766;

/** Numbers parameters by SQLite's rules: `?` is one more than the highest so far, `?N` is N, a known name keeps its own. */
export function layOutParameters(tokens: readonly Token[]): ParameterLayout {
  let count = 0;
  let hasNamed = false;
  const positions = new Map<string, number>();
  for (const token of tokens) {
    if (token.kind !== "parameter") continue;
    if (token.text === "?") {
      count++;
      continue;
    }
    hasNamed = true;
    if (positions.has(token.text)) continue;
    const position = token.text.startsWith("?") ? Number(token.text.slice(1)) : count + 1;
    // Out of range: SQLite refuses the statement itself.
    if (position < 1 || position > MAX_PARAMETER_NUMBER) continue;
    positions.set(token.text, position);
    count = Math.max(count, position);
  }
  if (!hasNamed) return { count };
  return { count, ...separate(positions, count) };
}

function separate(positions: ReadonlyMap<string, number>, count: number): Omit<ParameterLayout, "count"> {
  const names = new Map<string, number>();
  for (const [text, position] of positions) {
    const name = text.slice(1);
    if (names.has(name)) {
      throw new AerostackError("DB_QUERY_FAILED", {
        message: `Two parameters differ only in their first character: ${text}.`,
        fix: "Give each parameter a name of its own.",
      });
    }
    names.set(name, position);
  }
  const taken = new Set(names.values());
  const anonymous: number[] = [];
  for (let position = 1; position <= count; position++) if (!taken.has(position)) anonymous.push(position);
  return { anonymous, named: [...names] };
}

/** The driver's arguments for values in the order of their positions. */
export function arrangeValues(layout: ParameterLayout, values: readonly BindValue[]): unknown[] {
  if (layout.named === undefined) return values as unknown[];
  const byName: Record<string, BindValue> = Object.create(null);
  for (const [name, position] of layout.named) byName[name] = values[position - 1] ?? null;
  const list: unknown[] = (layout.anonymous ?? []).map((position) => values[position - 1] ?? null);
  list.push(byName);
  return list;
}
