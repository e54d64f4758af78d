import { defineGroup } from "../../command/define-command.ts";
import { projectsCreateCommand } from "./create.ts";
import { projectsDeleteCommand } from "./delete.ts";
import { projectsListCommand } from "./list.ts";

export const projectsGroup = defineGroup({
  name: "projects",
  summary: "Your projects",
  commands: [projectsListCommand, projectsCreateCommand, projectsDeleteCommand],
});
