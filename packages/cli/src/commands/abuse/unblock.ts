import { blockResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { printableLine } from "../../output/printable.ts";
import { hyphened } from "../hyphened.ts";

export const abuseUnblockCommand = defineCommand({
  name: "unblock",
  summary: "Let somebody in again",
  details: ["For the installation's admins. The block stays in the list, with who lifted it and why."],
  arguments: { block: required("Id of the block, as `abuse blocks` lists it") },
  options: { reason: text("text", "Why; needed") },
  examples: [
    { command: 'aerostack abuse unblock blk_01k --reason "It was a test"', explanation: "Let in within a second" },
  ],
  async run(context, { args, options: { reason } }) {
    if (reason === undefined) throw usageError("Say why with --reason: it stands in the audit log.");
    const api = await context.api();
    const answer = await context.terminal.step(
      `Lifting ${args.block}`,
      () => api.call("POST", apiPath("admin", "blocks", args.block, "lift"), blockResponseSchema, { json: { reason } }),
      ({ block }) => `Unblocked ${hyphened(block.kind)} ${printableLine(block.subject)}`,
    );
    return { data: answer, render: () => {} };
  },
});
