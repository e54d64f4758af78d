import { legalCaseResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { printableLine } from "../../output/printable.ts";
import { hyphened } from "../hyphened.ts";

export const legalHoldCommand = defineCommand({
  name: "hold",
  summary: "Keep deletions of a case's subject back until the hold is lifted",
  details: [
    "Whoever asks for a deletion meanwhile is answered as always, and it is carried out once the hold is lifted. The subject is told nothing but what --tell says.",
  ],
  arguments: { case: required("Id of the case") },
  options: { tell: text("text", "What the account, or the owners of the organisation or project, are told by mail") },
  examples: [{ command: "aerostack legal hold lgc_01k", explanation: "In force at once, on every server" }],
  async run(context, { args, options: { tell } }) {
    const api = await context.api();
    const answer = await context.terminal.step(
      "Placing the hold",
      () =>
        api.call("POST", apiPath("admin", "legal", "cases", args.case, "hold"), legalCaseResponseSchema, {
          json: tell === undefined ? {} : { tellSubject: tell },
        }),
      ({ case: held }) =>
        `Nothing of ${hyphened(held.subject.kind)} ${printableLine(held.subject.id)} is deleted until the hold is lifted`,
    );
    return { data: answer, render: () => {} };
  },
});
