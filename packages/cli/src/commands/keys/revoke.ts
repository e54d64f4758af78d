import { successSchema } from "@aerostack/contracts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";
import { accountOption, keyOwner } from "./key-owner.ts";

export const keysRevokeCommand = defineCommand({
  name: "revoke",
  summary: "End a key at once",
  arguments: { id: required("Id of the key, as `aerostack keys list` shows it") },
  options: { account: accountOption, dryRun: dryRunOption },
  examples: [{ command: "aerostack keys revoke key_01jd… --yes", explanation: "It is refused within a second" }],
  async run(context, { args: { id }, options: { account, dryRun } }) {
    const { path, owner } = await keyOwner(context, account);
    const api = await context.api();
    return destroy(context, {
      verb: ["revoke", "Revoking", "Revoked"],
      what: `key ${id} of ${owner}`,
      facts: { id, owner },
      dryRun,
      work: () => api.call("DELETE", `${path}/${encodeURIComponent(id)}`, successSchema),
    });
  },
});
