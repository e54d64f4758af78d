import { createAccountKeyResponseSchema, createProjectKeyResponseSchema } from "@aerostack/contracts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { integer } from "../../command/option.ts";
import { dryRunOption } from "../shared-options.ts";
import { accountOption, keyOwner } from "./key-owner.ts";

const DAY_SECONDS = 24 * 60 * 60;
const MAX_GRACE_SECONDS = 90 * DAY_SECONDS;

export const keysRotateCommand = defineCommand({
  name: "rotate",
  summary: "Make a key that may do what an old one may, and let the old one end",
  details: ["The new key is shown this once. The old one goes on working for a day, or as long as --grace says."],
  arguments: { id: required("Id of the old key, as `aerostack keys list` shows it") },
  options: {
    grace: integer(
      "seconds",
      "How long the old key goes on working; 0 ends it at once",
      { min: 0, max: MAX_GRACE_SECONDS },
      DAY_SECONDS,
    ),
    account: accountOption,
    dryRun: dryRunOption,
  },
  examples: [
    { command: "aerostack keys rotate key_01jd…", explanation: "The old key ends in a day" },
    { command: "aerostack keys rotate key_01jd… --grace 0 --yes", explanation: "The old key ends at once" },
  ],
  async run(context, { args: { id }, options: { grace, account, dryRun } }) {
    const { path, owner } = await keyOwner(context, account);
    const api = await context.api();
    const what = `key ${id} of ${owner}`;
    if (dryRun) {
      return {
        data: { dryRun: true, id, owner, graceSeconds: grace },
        render: (terminal) => terminal.line(`Would rotate ${what}; it would end ${endOf(grace)}.`),
      };
    }
    if (grace === 0) await context.confirm(`Rotate ${what}? It ends at once.`);
    const schema = account ? createAccountKeyResponseSchema : createProjectKeyResponseSchema;
    const { key, secret } = await context.terminal.step(
      `Rotating ${what}`,
      () => api.call("POST", `${path}/${encodeURIComponent(id)}/rotate`, schema, { json: { graceSeconds: grace } }),
      () => `Rotated ${what}; it ends ${endOf(grace)}. The new key is shown this once:`,
    );
    return { data: { dryRun: false, key, secret }, render: (terminal) => terminal.line(secret) };
  },
});

function endOf(graceSeconds: number): string {
  if (graceSeconds === 0) return "at once";
  return graceSeconds === DAY_SECONDS ? "in a day" : `in ${graceSeconds.toLocaleString("en")} seconds`;
}
