import { LEGAL_SUBJECT_KINDS, legalCaseResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { printableLine } from "../../output/printable.ts";
import { hyphened, kindOf } from "../hyphened.ts";

export const legalOpenCommand = defineCommand({
  name: "open",
  summary: "Open a case of a lawful request",
  details: ["For the installation's admins. A case alone changes nothing: place a hold on it, or disclose of it."],
  arguments: {
    kind: required(`What it is about: ${LEGAL_SUBJECT_KINDS.map(hyphened).join(", ")}`),
    subject: required("Its id; an account's e-mail address or a project's slug does as well"),
  },
  options: {
    reference: text("text", "Reference of the request; needed"),
    authority: text("text", "Who asks; needed"),
    basis: text("text", "The law or order that it rests on; needed"),
    notes: text("text", "For the operators"),
  },
  examples: [
    {
      command:
        'aerostack legal open account eve@example.com --reference "4 Js 123/26" --authority "District court" --basis "Order of 1 June"',
      explanation: "Prints the case's id",
    },
  ],
  async run(context, { args, options: { reference, authority, basis, notes } }) {
    const kind = kindOf(args.kind, LEGAL_SUBJECT_KINDS);
    if (reference === undefined || authority === undefined || basis === undefined) {
      throw usageError("A case needs --reference, --authority and --basis.");
    }
    const api = await context.api();
    const answer = await context.terminal.step(
      "Opening a case",
      () =>
        api.call("POST", apiPath("admin", "legal", "cases"), legalCaseResponseSchema, {
          json: {
            reference,
            authority,
            legalBasis: basis,
            subject: { kind, id: args.subject },
            ...(notes === undefined ? {} : { notes }),
          },
        }),
      ({ case: made }) => `Opened a case about ${hyphened(made.subject.kind)} ${printableLine(made.subject.id)}`,
    );
    return { data: answer, render: (terminal) => terminal.line(answer.case.id) };
  },
});
