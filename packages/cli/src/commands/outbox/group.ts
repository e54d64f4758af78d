import { defineGroup } from "../../command/define-command.ts";
import { outboxListCommand } from "./list.ts";
import { outboxShowCommand } from "./show.ts";

export const outboxGroup = defineGroup({
  name: "outbox",
  summary: "What was sent to a project's users: codes and links, while nobody sends them",
  commands: [outboxListCommand, outboxShowCommand],
});
