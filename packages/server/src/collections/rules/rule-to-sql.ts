import {
  columnsEqual,
  columnsOrdered,
  equals,
  isOneOf,
  isOrderedTo,
  listHas,
  listHasColumn,
} from "../column-conditions.ts";
import type { Column, Columns } from "../schema/columns.ts";
import { all, any, not, type SqlCondition } from "../sql-condition.ts";
import { areEqual, isInOrder, scalarsOf } from "./compare-scalars.ts";
import type { RuleRow } from "./evaluate-rule.ts";
import {
  type Comparison,
  isOrdered,
  isScalar,
  type ListOperand,
  type Operand,
  type Rule,
  type RuleUser,
  userValue,
} from "./rule.ts";

export interface RuleSqlFacts {
  readonly user: RuleUser | null;
  readonly columns: Columns;
  /** For `new`: the fields that a change sets; the others stay as they are in the row. */
  readonly changed?: RuleRow;
}

/** A column, or a value that is known beforehand. A list or object of the user's is a value that is like nothing. */
type Side = { readonly column: Column } | { readonly value: unknown };

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

/** A rule for all rows of a table: what is known of the user becomes bound values. Says the same as `evaluateRule`. */
export function ruleToSql(rule: Rule, facts: RuleSqlFacts): SqlCondition {
  switch (rule.op) {
    case "constant":
      return rule.value;
    case "and":
      return all([ruleToSql(rule.left, facts), ruleToSql(rule.right, facts)]);
    case "or":
      return any([ruleToSql(rule.left, facts), ruleToSql(rule.right, facts)]);
    case "not":
      return not(ruleToSql(rule.rule, facts));
    case "isTrue": {
      const side = sideOf(rule.operand, facts);
      return "column" in side ? equals(side.column, true) : side.value === true;
    }
    case "in":
      return isIn(sideOf(rule.item, facts), rule.list, facts);
    case "compare":
      return compare(sideOf(rule.left, facts), rule.comparison, sideOf(rule.right, facts));
  }
}

function sideOf(operand: Operand, { user, columns, changed }: RuleSqlFacts): Side {
  if (operand.kind === "literal") return { value: operand.value };
  if (operand.kind === "user") return { value: userValue(user, operand.path) };
  if (operand.scope === "new" && changed !== undefined && Object.hasOwn(changed, operand.name)) {
    return { value: changed[operand.name] ?? null };
  }
  const column = columns.get(operand.name);
  return column === undefined ? { value: null } : { column };
}

function compare(left: Side, comparison: Comparison, right: Side): SqlCondition {
  if (!isOrdered(comparison)) {
    const equal = areSidesEqual(left, right);
    return comparison === "==" ? equal : not(equal);
  }
  if ("column" in left) {
    if ("column" in right) return columnsOrdered(left.column, comparison, right.column);
    return isScalar(right.value) && isOrderedTo(left.column, comparison, right.value);
  }
  if (!("column" in right)) return isInOrder(comparison, left.value, right.value);
  return isScalar(left.value) && isOrderedTo(right.column, MIRRORED[comparison], left.value);
}

function areSidesEqual(left: Side, right: Side): SqlCondition {
  if ("column" in left) {
    if ("column" in right) return columnsEqual(left.column, right.column);
    return isScalar(right.value) && equals(left.column, right.value);
  }
  if (!("column" in right)) return areEqual(left.value, right.value);
  return isScalar(left.value) && equals(right.column, left.value);
}

function isIn(item: Side, list: ListOperand, facts: RuleSqlFacts): SqlCondition {
  if (list.kind === "column") {
    const side = sideOf(list, facts);
    if ("column" in side) {
      if ("column" in item) return listHasColumn(side.column, item.column);
      return isScalar(item.value) && listHas(side.column, item.value);
    }
    return isInValues(item, side.value);
  }
  if (list.kind === "user") return isInValues(item, userValue(facts.user, list.path));
  const values = list.items.map((one) => sideOf(one, facts)).map((side) => ("value" in side ? side.value : null));
  return isInValues(item, values);
}

function isInValues(item: Side, values: unknown): SqlCondition {
  if (!Array.isArray(values)) return false;
  if ("column" in item) return isOneOf(item.column, scalarsOf(values));
  return values.some((value) => areEqual(item.value, value));
}
