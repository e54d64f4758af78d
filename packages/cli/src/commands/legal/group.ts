import { defineGroup } from "../../command/define-command.ts";
import { legalDiscloseCommand } from "./disclose.ts";
import { legalHoldCommand } from "./hold.ts";
import { legalListCommand } from "./list.ts";
import { legalOpenCommand } from "./open.ts";
import { reasonedStep } from "./reasoned-step.ts";
import { legalShowCommand } from "./show.ts";

export const legalGroup = defineGroup({
  name: "legal",
  summary: "Lawful requests: cases, holds and disclosures",
  commands: [
    legalListCommand,
    legalOpenCommand,
    legalShowCommand,
    legalHoldCommand,
    reasonedStep({
      name: "lift",
      summary: "Lift a legal hold",
      details: ["The deletions that it kept back are carried out."],
      doing: "Lifting the hold",
      done: "The hold is lifted; what it kept back is carried out",
      example: [
        'aerostack legal lift lgc_01k --reason "The order has ended"',
        "What was asked for meanwhile is deleted",
      ],
    }),
    legalDiscloseCommand,
    reasonedStep({
      name: "close",
      summary: "Close a case",
      details: ["Once no hold is in force. It stays in the list."],
      doing: "Closing the case",
      done: "The case is closed",
      example: ['aerostack legal close lgc_01k --reason "Answered"', "It can be read, and not changed any more"],
    }),
  ],
});
