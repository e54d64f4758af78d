import type { Comparison, Scalar } from "./rule.ts";

/** Anything else than a scalar is like nothing and not null. */
export function areEqual(left: unknown, right: unknown): boolean {
  const isComparable = left === null || (typeof left !== "object" && typeof left !== "undefined");
  return isComparable && left === right;
}

/** As SQLite orders them: numbers by value, texts by the bytes of their UTF-8. */
export function isInOrder(comparison: Comparison, left: unknown, right: unknown): boolean {
  const order = orderOf(left, right);
  if (order === undefined) return false;
  switch (comparison) {
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    default:
      return false;
  }
}

function orderOf(left: unknown, right: unknown): number | undefined {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left !== "string" || typeof right !== "string") return undefined;
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** Scalars of a list, each once. */
export function scalarsOf(values: readonly unknown[]): Scalar[] {
  return [...new Set(values.filter((value): value is Scalar => value === null || typeof value !== "object"))];
}
