import { firewallModeSchema, firewallResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice } from "../../command/option.ts";

const INHERIT = "default";

export const firewallModeCommand = defineCommand({
  name: "mode",
  summary: "Choose what a project's firewall does with attacks",
  details: ["`default` does what the installation does. Begin with `detect`, and look at the hits before you block."],
  arguments: { mode: required("off, detect, block or default") },
  options: {
    functionBodies: choice(
      "on|off",
      "Whether JSON and forms are looked at before a function sees them",
      ["on", "off"],
      undefined,
    ),
  },
  examples: [
    { command: "aerostack firewall mode detect", explanation: "Attacks are listed, and let through" },
    { command: "aerostack firewall mode block", explanation: "Attacks are refused within a second" },
  ],
  async run(context, { args, options: { functionBodies } }) {
    const chosen = firewallModeSchema.safeParse(args.mode);
    if (!chosen.success && args.mode !== INHERIT) {
      throw usageError(`The mode is '${args.mode}'; it can be off, detect, block or ${INHERIT}.`);
    }
    const project = await context.project();
    const api = await context.api();
    const answer = await context.terminal.step(
      "Changing the firewall",
      () =>
        api.call("PATCH", apiPath("projects", project.id, "firewall"), firewallResponseSchema, {
          json: {
            mode: chosen.data ?? null,
            ...(functionBodies === undefined ? {} : { inspectFunctionBodies: functionBodies === "on" }),
          },
        }),
      ({ firewall }) => `The firewall of ${project.slug} is on ${firewall.effectiveMode}`,
    );
    return { data: answer, render: () => {} };
  },
});
