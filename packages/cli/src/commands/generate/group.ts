import { defineGroup } from "../../command/define-command.ts";
import { generateTypesCommand } from "./types.ts";

export const generateGroup = defineGroup({
  name: "generate",
  summary: "Code made of what a project has",
  commands: [generateTypesCommand],
});
