import { cancelJobResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";

export const queueCancelCommand = defineCommand({
  name: "cancel",
  summary: "Cancel a job",
  details: ["One that is being worked at may come to its end, but is not tried again."],
  arguments: { job: required("Id of the job") },
  examples: [
    {
      command: "aerostack queue cancel 00000000001c6f3f2f7f8e0d0c4b1a29",
      explanation: "Ids are shown by `aerostack queue jobs`",
    },
  ],
  async run(context, { args: { job } }) {
    const project = await context.project();
    const api = await context.api();
    const answer = await api.call(
      "POST",
      apiPath("projects", project.id, "jobs", job, "cancel"),
      cancelJobResponseSchema,
    );
    return {
      data: answer,
      render: (terminal) => terminal.line(answer.note ?? (answer.success ? "Cancelled." : "Not cancelled.")),
      ...(answer.success ? {} : { exit: "failed" as const }),
    };
  },
});
