import { defineGroup } from "../../command/define-command.ts";
import { auditExportCommand } from "./export.ts";
import { auditListCommand } from "./list.ts";
import { auditVerifyCommand } from "./verify.ts";

export const auditGroup = defineGroup({
  name: "audit",
  summary: "Who did what to what: read, export and verify the audit log",
  commands: [auditListCommand, auditExportCommand, auditVerifyCommand],
});
