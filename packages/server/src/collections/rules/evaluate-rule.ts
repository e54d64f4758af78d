import { areEqual, isInOrder } from "./compare-scalars.ts";
import { isNullLiteral, isOrdered, type ListOperand, type Operand, type Rule, type RuleUser, valueAt } from "./rule.ts";

/** Fields by name, as the API shows them; what is not there is null. */
export type RuleRow = Readonly<Record<string, unknown>>;

export interface RuleFacts {
  readonly user: RuleUser | null;
  readonly row?: RuleRow;
  readonly new?: RuleRow;
}

/** Whether a rule lets somebody pass, for one row. Says the same as its SQL (`rule-to-sql.ts`). */
export function evaluateRule(rule: Rule, facts: RuleFacts): boolean {
  switch (rule.op) {
    case "constant":
      return rule.value;
    case "and":
      return evaluateRule(rule.left, facts) && evaluateRule(rule.right, facts);
    case "or":
      return evaluateRule(rule.left, facts) || evaluateRule(rule.right, facts);
    case "not":
      return !evaluateRule(rule.rule, facts);
    case "isTrue":
      return resolveOperand(rule.operand, facts) === true;
    case "in": {
      const item = resolveOperand(rule.item, facts);
      const isNullSought = isNullLiteral(rule.item);
      return listOf(rule.list, facts).some((one) => (isNullSought ? one === null : areEqual(item, one)));
    }
    case "compare": {
      const left = resolveOperand(rule.left, facts);
      const right = resolveOperand(rule.right, facts);
      if (isOrdered(rule.comparison)) return isInOrder(rule.comparison, left, right);
      const isNullTest = isNullLiteral(rule.left) || isNullLiteral(rule.right);
      const isEqual = isNullTest ? left === null && right === null : areEqual(left, right);
      return isEqual === (rule.comparison === "==");
    }
  }
}

function resolveOperand(operand: Operand, facts: RuleFacts): unknown {
  switch (operand.kind) {
    case "literal":
      return operand.value;
    case "user":
      return valueAt(facts.user, operand.path);
    case "column":
      return valueAt(facts[operand.scope], [operand.name, ...operand.path]);
  }
}

function listOf(list: ListOperand, facts: RuleFacts): readonly unknown[] {
  if (list.kind === "list") return list.items.map((item) => resolveOperand(item, facts));
  const value = resolveOperand(list, facts);
  return Array.isArray(value) ? value : [];
}
