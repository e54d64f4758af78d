import { successSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { readSecretFromStdin } from "../../command/read-input.ts";
import { environmentOption } from "../shared-options.ts";

export const secretsSetCommand = defineCommand({
  name: "set",
  summary: "Set a secret, which functions read as env.<NAME>",
  details: [
    "The value comes from standard input, or is asked for without being shown; never from the command line, which other processes can read. Functions see it at once.",
  ],
  arguments: { name: required("Name of the secret, such as STRIPE_KEY") },
  options: { env: environmentOption },
  examples: [
    { command: "aerostack secrets set STRIPE_KEY", explanation: "Asks for the value" },
    { command: "aerostack secrets set STRIPE_KEY < key.txt", explanation: "Takes it from a file" },
  ],
  async run(context, { args, options }) {
    const { stdin } = context.surroundings;
    const value =
      stdin.isTTY === true
        ? await context.prompts.password(`Value of ${args.name}`, { fix: "Pass it on standard input." })
        : await readSecretFromStdin(stdin, "value");
    if (value === "") throw usageError("The value is empty.");
    const project = await context.project();
    const api = await context.api();
    await context.terminal.step(
      `Setting ${args.name}`,
      () =>
        api.call("PUT", apiPath("projects", project.id, "secrets", args.name), successSchema, {
          json: { value, env: options.env },
        }),
      () => `Set ${args.name} for ${options.env} in ${project.slug}`,
    );
    return { data: { name: args.name, env: options.env, project: project.slug }, render: () => {} };
  },
});
