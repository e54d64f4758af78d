import { operatorConversationResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { conversationArgument } from "./show.ts";

export const supportCloseCommand = defineCommand({
  name: "close",
  summary: "Close a conversation; it opens again when the person writes",
  arguments: { id: conversationArgument },
  examples: [{ command: "aerostack support close cnv_01jd…", explanation: "Nothing is deleted" }],
  async run(context, { args: { id } }) {
    const api = await context.api();
    const answer = await context.terminal.step(
      "Closing the conversation",
      () =>
        api.call("PATCH", apiPath("admin", "support", id), operatorConversationResponseSchema, {
          json: { status: "closed" },
        }),
      () => `Closed ${id}`,
    );
    return { data: answer, render: () => {} };
  },
});
