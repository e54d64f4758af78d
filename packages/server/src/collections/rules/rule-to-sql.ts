import {
  columnsEqual,
  columnsOrdered,
  equals,
  isNull,
  isOneOf,
  isOrderedTo,
  listHas,
  listHasColumn,
} from "../column-conditions.ts";
import type { Column, Columns } from "../schema/columns.ts";
import { all, any, not, type SqlCondition } from "../sql-condition.ts";
import { areEqual, comparableValues, isInOrder } from "./compare-scalars.ts";
import {
  type Comparison,
  isNullLiteral,
  isOrdered,
  isScalar,
  type ListOperand,
  type Operand,
  type Rule,
  type RuleUser,
  type Scalar,
  userValue,
} from "./rule.ts";

export interface RuleSqlFacts {
  readonly user: RuleUser | null;
  readonly columns: Columns;
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

/**
 * A rule for all rows of a table: what is known of the user becomes bound values. Says the same as `evaluateRule` for the row as
 * it is and as it will be alike.
 */
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
      return isIn(rule.item, rule.list, facts);
    case "compare":
      return compare(rule, facts);
  }
}

function sideOf(operand: Operand, { user, columns }: RuleSqlFacts): Side {
  if (operand.kind === "literal") return { value: operand.value };
  if (operand.kind === "user") return { value: userValue(user, operand.path) };
  const column = columns.get(operand.name);
  return column === undefined ? { value: null } : { column };
}

function compare(
  { left: first, comparison, right: second }: Extract<Rule, { op: "compare" }>,
  facts: RuleSqlFacts,
): SqlCondition {
  const [left, right] = [sideOf(first, facts), sideOf(second, facts)];
  if (!isOrdered(comparison)) {
    const equal = isNullLiteral(first)
      ? hasNoValue(right)
      : isNullLiteral(second)
        ? hasNoValue(left)
        : areSidesEqual(left, right);
    return comparison === "==" ? equal : not(equal);
  }
  if ("column" in left) {
    if ("column" in right) return columnsOrdered(left.column, comparison, right.column);
    return isScalar(right.value) && isOrderedTo(left.column, comparison, right.value);
  }
  if (!("column" in right)) return isInOrder(comparison, left.value, right.value);
  return isScalar(left.value) && isOrderedTo(right.column, MIRRORED[comparison], left.value);
}

function hasNoValue(side: Side): SqlCondition {
  return "column" in side ? isNull(side.column) : side.value === null;
}

function areSidesEqual(left: Side, right: Side): SqlCondition {
  if ("column" in left) {
    return "column" in right ? columnsEqual(left.column, right.column) : isLike(left.column, right.value);
  }
  return "column" in right ? isLike(right.column, left.value) : areEqual(left.value, right.value);
}

function isLike(column: Column, value: unknown): SqlCondition {
  return value !== null && isScalar(value) && equals(column, value);
}

function isIn(operand: Operand, list: ListOperand, facts: RuleSqlFacts): SqlCondition {
  const item = sideOf(operand, facts);
  const isNullSought = isNullLiteral(operand);
  if (list.kind === "column") {
    const side = sideOf(list, facts);
    if (!("column" in side)) return isInValues(item, side.value, isNullSought);
    if ("column" in item) return listHasColumn(side.column, item.column);
    const isSought = isScalar(item.value) && (item.value !== null || isNullSought);
    return isSought && listHas(side.column, item.value as Scalar);
  }
  if (list.kind === "user") return isInValues(item, userValue(facts.user, list.path), isNullSought);
  const values = list.items.map((one) => sideOf(one, facts)).map((side) => ("value" in side ? side.value : null));
  return isInValues(item, values, isNullSought);
}

function isInValues(item: Side, values: unknown, isNullSought: boolean): SqlCondition {
  if (!Array.isArray(values)) return false;
  if (isNullSought) return values.includes(null);
  if ("column" in item) return isOneOf(item.column, comparableValues(values));
  return values.some((value) => areEqual(item.value, value));
}
