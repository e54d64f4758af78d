import { AerostackError, type CollectionOperation } from "@aerostack/contracts";
import { type ASTNode, Environment, ParseError } from "@marcbachmann/cel-js";
import type { Columns } from "../schema/columns.ts";
import { type Field, fieldAt, MAX_NESTED_NAMES } from "../schema/nested-field.ts";
import { type Comparison, isOrdered, type ListOperand, type Operand, type RowScope, type Rule } from "./rule.ts";

/** Comparisons of one rule; each may become a bound value of a statement. */
const MAX_COMPARISONS = 40;
/** Fields of one rule: a change binds each of them, beside the fields that it sets. */
const MAX_FIELDS = 15;
const MAX_LIST_ITEMS = 100;
const MAX_NODES = 400;
const MAX_DEPTH = 40;

const COMPARISONS = new Set<string>(["==", "!=", "<", "<=", ">", ">="]);
const SCOPES: Readonly<Record<CollectionOperation, readonly RowScope[]>> = {
  list: ["row"],
  get: ["row"],
  create: ["new"],
  update: ["row", "new"],
  delete: ["row"],
};

const environment = new Environment({ limits: { maxAstNodes: MAX_NODES, maxDepth: MAX_DEPTH } });

/** The words that stand for a whole rule. */
function namedRule(text: string, operation: CollectionOperation): string | undefined {
  switch (text) {
    case "none":
      return "false";
    case "public":
      return "true";
    case "signed-in":
      return "user != null";
    case "owner":
      // Who creates an item is its owner.
      return operation === "create" ? "user != null" : "user != null && row.owner_id == user.id";
    default:
      return undefined;
  }
}

/**
 * Reads a rule: one of the words, or an expression in the syntax of CEL, of which rules use comparisons, `in`, `&&`, `||` and
 * `!` over `row.<field>`, `new.<field>` and what is within them (`row.<field>.<name>`), `user.<claim>`, texts, numbers, true, false and null.
 *
 * @throws VALIDATION_ERROR that names the rule and what is wrong in it
 */
export function parseRule(text: string, operation: CollectionOperation, columns: Columns): Rule {
  const source = namedRule(text, operation) ?? text;
  let comparisons = 0;
  const fields = new Set<string>();
  let nestedNames = 0;

  function refuse(reason: string, node?: ASTNode): never {
    const part = node === undefined ? "" : ` ('${source.slice(node.start, node.end)}')`;
    throw new AerostackError("VALIDATION_ERROR", {
      message: `The rule for ${operation} is not valid: ${reason}${part}`,
      fix: "A rule is none, public, signed-in, owner, or comparisons over row, new and user, such as: row.public || row.owner_id == user.id",
      details: { fieldErrors: { [`rules.${operation}`]: [`${reason}${part}`] } },
    });
  }

  function toRule(node: ASTNode): Rule {
    switch (node.op) {
      case "&&":
      case "||": {
        const [left, right] = node.args;
        return { op: node.op === "&&" ? "and" : "or", left: toRule(left), right: toRule(right) };
      }
      case "!_":
        return { op: "not", rule: toRule(node.args) };
      case "in": {
        count(node);
        const [item, list] = node.args;
        return { op: "in", item: toScalarOperand(item), list: toList(list) };
      }
      case "value":
        if (typeof node.args === "boolean") return { op: "constant", value: node.args };
        break;
      case ".":
      case "[]": {
        count(node);
        const operand = toOperand(node);
        const kind = fieldOf(operand)?.kind;
        if (kind !== undefined && kind !== "boolean" && kind !== "any") refuse("this field is not true or false", node);
        return { op: "isTrue", operand };
      }
      default:
        if (COMPARISONS.has(node.op)) return toComparison(node);
    }
    return refuse("this is not true or false, or not supported in a rule", node);
  }

  function toComparison(node: ASTNode): Rule {
    count(node);
    const [left, right] = (node.args as readonly [ASTNode, ASTNode]).map(toOperand) as [Operand, Operand];
    const comparison = node.op as Comparison;
    for (const [operand, other] of [
      [left, right],
      [right, left],
    ] as const) {
      const isNull = other.kind === "literal" && other.value === null;
      const isWhole = fieldOf(operand)?.kind === "json" || (operand.kind === "user" && operand.path.length === 0);
      if (isWhole && !(isNull && !isOrdered(comparison))) refuse("this can only be compared with null", node);
    }
    return { op: "compare", comparison, left, right };
  }

  function toList(node: ASTNode): ListOperand {
    if (node.op === "list") {
      if (node.args.length > MAX_LIST_ITEMS) refuse(`a list has at most ${MAX_LIST_ITEMS} values`, node);
      const items = node.args.map(toOperand);
      if (items.some(({ kind }) => kind === "column")) refuse("a list holds values and values of the user", node);
      return { kind: "list", items };
    }
    const operand = toOperand(node);
    if (operand.kind === "literal") return refuse("'in' needs a list", node);
    const kind = fieldOf(operand)?.kind;
    if (kind !== undefined && kind !== "json" && kind !== "any") refuse("this field does not hold a list", node);
    return operand;
  }

  function toScalarOperand(node: ASTNode): Operand {
    const operand = toOperand(node);
    if (fieldOf(operand)?.kind === "json") refuse("this field holds no single value", node);
    return operand;
  }

  function toOperand(node: ASTNode): Operand {
    switch (node.op) {
      case "value":
        return { kind: "literal", value: toLiteral(node.args, node) };
      case "-_": {
        const { args } = node;
        const value = args.op === "value" ? toLiteral(args.args, node) : undefined;
        if (typeof value !== "number") return refuse("only numbers have a sign", node);
        return { kind: "literal", value: -value };
      }
      default: {
        const [root, ...path] = toPath(node);
        if (root === "user") return { kind: "user", path };
        if (root !== "row" && root !== "new") return refuse("a name begins with row, new or user", node);
        if (!SCOPES[operation].includes(root)) {
          return refuse(`'${root}' is not known when items are ${PARTICIPLES[operation]}`, node);
        }
        const [name, ...within] = path;
        if (name === undefined) return refuse(`write ${root}.<field>`, node);
        const field = fieldAt(columns, path);
        if ("flaw" in field) return refuse(field.flaw, node);
        nestedNames += within.length;
        if (nestedNames > MAX_NESTED_NAMES)
          return refuse(`the paths of a rule have no more than ${MAX_NESTED_NAMES} names below fields in all`, node);
        if (fields.add(name).size > MAX_FIELDS)
          return refuse(`a rule looks at no more than ${MAX_FIELDS} fields`, node);
        return { kind: "column", scope: root, name, path: within };
      }
    }
  }

  function toPath(node: ASTNode): string[] {
    if (node.op === "id") return [node.args];
    if (node.op === ".") return [...toPath(node.args[0]), node.args[1]];
    if (node.op === "[]") {
      const [object, key] = node.args;
      if (key.op === "value" && typeof key.args === "string") return [...toPath(object), key.args];
    }
    return refuse("this is not supported in a rule", node);
  }

  function toLiteral(value: unknown, node: ASTNode) {
    if (typeof value === "bigint") {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : refuse("this number is too large", node);
    }
    if (typeof value === "string" && !value.isWellFormed()) return refuse("this text is not valid Unicode", node);
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      return value;
    }
    return refuse("values are texts, numbers, true, false and null", node);
  }

  function fieldOf(operand: Operand): Field | undefined {
    if (operand.kind !== "column") return undefined;
    const field = fieldAt(columns, [operand.name, ...operand.path]);
    return "flaw" in field ? undefined : field;
  }

  function count(node: ASTNode): void {
    if (++comparisons > MAX_COMPARISONS) refuse(`a rule has at most ${MAX_COMPARISONS} comparisons`, node);
  }

  try {
    return toRule(environment.parse(source).ast);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return refuse(error.message.split("\n")[0] ?? "syntax error");
  }
}

const PARTICIPLES: Readonly<Record<CollectionOperation, string>> = {
  list: "listed",
  get: "read",
  create: "created",
  update: "changed",
  delete: "deleted",
};
