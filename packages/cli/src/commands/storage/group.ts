import { defineGroup } from "../../command/define-command.ts";
import { storageDeleteCommand } from "./delete.ts";
import { storageGetCommand } from "./get.ts";
import { storageListCommand } from "./list.ts";
import { storagePutCommand } from "./put.ts";

export const storageGroup = defineGroup({
  name: "storage",
  summary: "The object storage that functions know as STORAGE",
  commands: [storageGetCommand, storagePutCommand, storageListCommand, storageDeleteCommand],
});
