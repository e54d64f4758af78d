import { firewallExceptionResponseSchema, successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { integer, text } from "../../command/option.ts";
import { destroy } from "../destroy.ts";
import { dryRunOption } from "../shared-options.ts";

export const firewallExceptCommand = defineCommand({
  name: "except",
  summary: "Leave something out of a project's firewall, or take that back",
  details: ["What fits everything that is named counts for nothing. Name as much as you can."],
  options: {
    rule: integer("number", "Rule, as hits name it", { min: 1_000, max: 99_999 }, undefined),
    path: text("path", "Path of the address, and everything below it"),
    parameter: text("name", "Parameter of the query, header or field of the body"),
    remove: text("id", "Exception to take back"),
    dryRun: dryRunOption,
  },
  examples: [
    {
      command: "aerostack firewall except --rule 6001 --path /f/shop/search --parameter q",
      explanation: "People search for SQL there",
    },
    { command: "aerostack firewall except --remove fwx_01k", explanation: "Looked at again" },
  ],
  async run(context, { options: { rule, path, parameter, remove, dryRun } }) {
    const isNamed = rule !== undefined || path !== undefined || parameter !== undefined;
    if (isNamed === (remove !== undefined)) {
      throw usageError("Name a rule, a path or a parameter to leave out, or an exception to --remove.");
    }
    if (dryRun && remove === undefined) throw usageError("--dry-run goes with --remove.");
    const project = await context.project();
    const api = await context.api();
    const exceptions = apiPath("projects", project.id, "firewall", "exceptions");
    if (remove !== undefined) {
      return destroy(context, {
        verb: ["remove", "Removing", "Removed"],
        what: `exception ${remove} of ${project.slug}`,
        facts: { exception: remove, project: project.slug },
        dryRun,
        work: () => api.call("DELETE", `${exceptions}/${encodeURIComponent(remove)}`, successSchema),
      });
    }
    const json = {
      ...(rule === undefined ? {} : { rule }),
      ...(path === undefined ? {} : { pathPrefix: path }),
      ...(parameter === undefined ? {} : { parameter }),
    };
    const made = await api.call("POST", exceptions, firewallExceptionResponseSchema, { json });
    return { data: made, render: (terminal) => terminal.line(made.exception.id) };
  },
});
