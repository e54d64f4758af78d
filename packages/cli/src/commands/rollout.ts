import { anything } from "../api/answers.ts";
import { apiPath } from "../api/api-client.ts";
import { required } from "../command/argument.ts";
import { defineCommand } from "../command/define-command.ts";
import { integer } from "../command/option.ts";
import { parseVersion } from "./rollback.ts";
import { chosenFunction, environmentOption, functionOption } from "./shared-options.ts";

export const rolloutCommand = defineCommand({
  name: "rollout",
  summary: "Give a version a share of the calls",
  details: ["The rest stays with the version that served before. At 100 percent the version serves alone."],
  arguments: { version: required("Number of the version") },
  options: {
    percent: integer("percent", "Share of the calls", { min: 1, max: 100 }, 100),
    function: functionOption,
    env: environmentOption,
  },
  examples: [{ command: "aerostack rollout 8 --percent 10", explanation: "Let version 8 serve every tenth call" }],
  async run(context, { args, options }) {
    const version = parseVersion(args.version);
    const name = await chosenFunction(context, options.function);
    const project = await context.project();
    const api = await context.api();
    const { env, percent } = options;
    await context.terminal.step(
      `Rolling out version ${version}`,
      () =>
        api.call("POST", apiPath("projects", project.id, "functions", name, "rollout"), anything, {
          json: { env, version, percent },
        }),
      () => `Version ${version} of ${name} serves ${percent} % of the calls in ${env}`,
    );
    return { data: { function: name, env, version, percent }, render: () => {} };
  },
});
