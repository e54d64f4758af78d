import { type Comparison, isScalar, type Scalar } from "./rule.ts";

/** Null is like nothing, and so are lists and objects. */
export function areEqual(left: unknown, right: unknown): boolean {
  return left === right && left !== null && left !== undefined && typeof left !== "object";
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

/** What of a list something can be like, each once. */
export function comparableValues(values: readonly unknown[]): Scalar[] {
  return [...new Set(values.filter((value): value is Scalar => value !== null && isScalar(value)))];
}
