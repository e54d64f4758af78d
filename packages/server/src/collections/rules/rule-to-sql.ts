import {
  equals,
  fieldsEqual,
  fieldsOrdered,
  isNull,
  isOneOf,
  isOrderedTo,
  listHas,
  listHasField,
} from "../field-conditions.ts";
import type { Columns } from "../schema/columns.ts";
import { type Field, fieldAt } from "../schema/nested-field.ts";
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
  valueAt,
} from "./rule.ts";

export interface RuleSqlFacts {
  readonly user: RuleUser | null;
  readonly columns: Columns;
}

/** A field, or a value that is known beforehand. A list or object of the user's is a value that is like nothing. */
type Side = { readonly field: Field } | { readonly value: unknown };

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
      return "field" in side ? equals(side.field, true) : side.value === true;
    }
    case "in":
      return isIn(rule.item, rule.list, facts);
    case "compare":
      return compare(rule, facts);
  }
}

function sideOf(operand: Operand, { user, columns }: RuleSqlFacts): Side {
  if (operand.kind === "literal") return { value: operand.value };
  if (operand.kind === "user") return { value: valueAt(user, operand.path) };
  const field = fieldAt(columns, [operand.name, ...operand.path]);
  return "flaw" in field ? { value: null } : { field };
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
  if ("field" in left) {
    if ("field" in right) return fieldsOrdered(left.field, comparison, right.field);
    return isScalar(right.value) && isOrderedTo(left.field, comparison, right.value);
  }
  if (!("field" in right)) return isInOrder(comparison, left.value, right.value);
  return isScalar(left.value) && isOrderedTo(right.field, MIRRORED[comparison], left.value);
}

function hasNoValue(side: Side): SqlCondition {
  return "field" in side ? isNull(side.field) : side.value === null;
}

function areSidesEqual(left: Side, right: Side): SqlCondition {
  if ("field" in left) {
    return "field" in right ? fieldsEqual(left.field, right.field) : isLike(left.field, right.value);
  }
  return "field" in right ? isLike(right.field, left.value) : areEqual(left.value, right.value);
}

function isLike(field: Field, value: unknown): SqlCondition {
  return value !== null && isScalar(value) && equals(field, value);
}

function isIn(operand: Operand, list: ListOperand, facts: RuleSqlFacts): SqlCondition {
  const item = sideOf(operand, facts);
  const isNullSought = isNullLiteral(operand);
  if (list.kind === "column") {
    const side = sideOf(list, facts);
    if (!("field" in side)) return isInValues(item, side.value, isNullSought);
    if ("field" in item) return listHasField(side.field, item.field);
    const isSought = isScalar(item.value) && (item.value !== null || isNullSought);
    return isSought && listHas(side.field, item.value as Scalar);
  }
  if (list.kind === "user") return isInValues(item, valueAt(facts.user, list.path), isNullSought);
  const values = list.items.map((one) => sideOf(one, facts)).map((side) => ("value" in side ? side.value : null));
  return isInValues(item, values, isNullSought);
}

function isInValues(item: Side, values: unknown, isNullSought: boolean): SqlCondition {
  if (!Array.isArray(values)) return false;
  if (isNullSought) return values.includes(null);
  if ("field" in item) return isOneOf(item.field, comparableValues(values));
  return values.some((value) => areEqual(item.value, value));
}
