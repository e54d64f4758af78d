import { defineGroup } from "../../command/define-command.ts";
import { kvDeleteCommand } from "./delete.ts";
import { kvGetCommand } from "./get.ts";
import { kvListCommand } from "./list.ts";
import { kvPutCommand } from "./put.ts";

export const kvGroup = defineGroup({
  name: "kv",
  summary: "The key-value store that functions know as CACHE",
  commands: [kvGetCommand, kvPutCommand, kvListCommand, kvDeleteCommand],
});
