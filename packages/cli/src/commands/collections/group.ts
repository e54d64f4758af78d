import { defineGroup } from "../../command/define-command.ts";
import { collectionsDeleteCommand } from "./delete.ts";
import { collectionsListCommand } from "./list.ts";
import { collectionsPushCommand } from "./push.ts";

export const collectionsGroup = defineGroup({
  name: "collections",
  summary: "Tables that a JSON Schema describes, with access rules",
  commands: [collectionsListCommand, collectionsPushCommand, collectionsDeleteCommand],
});
