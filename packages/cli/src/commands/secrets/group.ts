import { defineGroup } from "../../command/define-command.ts";
import { secretsDeleteCommand } from "./delete.ts";
import { secretsListCommand } from "./list.ts";
import { secretsSetCommand } from "./set.ts";

export const secretsGroup = defineGroup({
  name: "secrets",
  summary: "Values that functions read from env, encrypted and never read back",
  commands: [secretsSetCommand, secretsListCommand, secretsDeleteCommand],
});
