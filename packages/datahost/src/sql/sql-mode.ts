import { AerostackError } from "@aerostack/contracts/errors";
import type { SqlMode } from "../protocol.ts";
import type { Plan } from "./plan.ts";

/**
 * Whether a caller may run this at all.
 *
 * @throws AerostackError DB_STATEMENT_REFUSED.
 */
export function checkMode(plan: Plan, mode: SqlMode): void {
  if (mode === "platform") return;
  if (plan.isDdl && mode === "data") {
    throw new AerostackError("DB_STATEMENT_REFUSED", {
      message: "This SQL statement is not allowed: it changes the schema.",
      fix: "Change the schema with a migration (`aerostack db migrate`) or as the owner in the SQL console.",
    });
  }
  if (plan.namesPlatformTable) {
    throw new AerostackError("DB_STATEMENT_REFUSED", {
      message: "This SQL statement is not allowed: the platform keeps that table, and only reading it is open.",
      fix: "Use `aerostack db migrate` for migrations and `aerostack collections push` for collections.",
    });
  }
}
