import { legalCaseResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { type Command, defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";

interface ReasonedStep {
  readonly name: "lift" | "close";
  readonly summary: string;
  readonly details: readonly string[];
  readonly doing: string;
  readonly done: string;
  readonly example: readonly [command: string, explanation: string];
}

/** A step of a case that needs nothing but a reason. */
export function reasonedStep({ name, summary, details, doing, done, example }: ReasonedStep): Command {
  return defineCommand({
    name,
    summary,
    details,
    arguments: { case: required("Id of the case") },
    options: { reason: text("text", "Why; needed") },
    examples: [{ command: example[0], explanation: example[1] }],
    async run(context, { args, options: { reason } }) {
      if (reason === undefined) throw usageError("Say why with --reason: it stands in the audit log.");
      const api = await context.api();
      const answer = await context.terminal.step(
        doing,
        () =>
          api.call("POST", apiPath("admin", "legal", "cases", args.case, name), legalCaseResponseSchema, {
            json: { reason },
          }),
        () => done,
      );
      return { data: answer, render: () => {} };
    },
  });
}
