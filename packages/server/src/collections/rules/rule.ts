/** A value that a rule compares. */
export type Scalar = string | number | boolean | null;

/** Where a rule reads from: the row as it is stored, or as it is about to be. */
export type RowScope = "row" | "new";

export type Operand =
  | { readonly kind: "literal"; readonly value: Scalar }
  /** A field, or what a path leads to within the object that it holds. */
  | { readonly kind: "column"; readonly scope: RowScope; readonly name: string; readonly path: readonly string[] }
  /** Of the user; without a path, the user. Null where there is none. */
  | { readonly kind: "user"; readonly path: readonly string[] };

/** What `in` looks through: values, a list of the user's, or a field that holds a list. */
export type ListOperand =
  | { readonly kind: "list"; readonly items: readonly Operand[] }
  | Extract<Operand, { kind: "column" | "user" }>;

export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";

/**
 * Who may do something, as a tree. It is total: every rule is true or false for every row and user, nothing in it fails or
 * loops. Values of different types are unlike and not in any order. What is null is like nothing, so that nobody passes for the
 * owner of what has no owner; only a comparison with `null` itself asks whether there is a value.
 */
export type Rule =
  | { readonly op: "constant"; readonly value: boolean }
  | { readonly op: "and" | "or"; readonly left: Rule; readonly right: Rule }
  | { readonly op: "not"; readonly rule: Rule }
  | { readonly op: "compare"; readonly comparison: Comparison; readonly left: Operand; readonly right: Operand }
  | { readonly op: "in"; readonly item: Operand; readonly list: ListOperand }
  | { readonly op: "isTrue"; readonly operand: Operand };

/** A user as rules see one: `id`, `email`, and whatever else the token says. */
export type RuleUser = Readonly<Record<string, unknown>> & { readonly id: string };

/** Whether the rule says `null` there. */
export function isNullLiteral(operand: Operand): boolean {
  return operand.kind === "literal" && operand.value === null;
}

const ORDERED = new Set<Comparison>(["<", "<=", ">", ">="]);

export function isOrdered(comparison: Comparison): boolean {
  return ORDERED.has(comparison);
}

/** The value at a path within objects; null for whatever is not there. Lists and objects come as they are. */
export function valueAt(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name)) return null;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value ?? null;
}

export function isScalar(value: unknown): value is Scalar {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
