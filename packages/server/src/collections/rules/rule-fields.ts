import type { ListOperand, Operand, Rule } from "./rule.ts";

/** The fields of the item that a rule looks at, before or after a change. */
export function fieldsOfRule(rule: Rule): ReadonlySet<string> {
  const fields = new Set<string>();
  const note = (operand: Operand | ListOperand): void => {
    if (operand.kind === "column") fields.add(operand.name);
  };
  const visit = (part: Rule): void => {
    switch (part.op) {
      case "constant":
        return;
      case "and":
      case "or":
        visit(part.left);
        visit(part.right);
        return;
      case "not":
        visit(part.rule);
        return;
      case "isTrue":
        note(part.operand);
        return;
      case "in":
        note(part.item);
        note(part.list);
        return;
      case "compare":
        note(part.left);
        note(part.right);
    }
  };
  visit(rule);
  return fields;
}
