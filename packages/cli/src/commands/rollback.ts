import { listVersionsResponseSchema } from "@aerostack/contracts";
import { anything } from "../api/answers.ts";
import { apiPath } from "../api/api-client.ts";
import { optional } from "../command/argument.ts";
import { CliError, usageError } from "../command/cli-error.ts";
import { defineCommand } from "../command/define-command.ts";
import { chosenFunction, dryRunOption, environmentOption, functionOption } from "./shared-options.ts";

export const rollbackCommand = defineCommand({
  name: "rollback",
  summary: "Let an earlier version serve again",
  details: ["Takes effect at once: the version is still there, nothing is built. Data is not rolled back."],
  arguments: { version: optional("Number of the version; by default the one before the one that serves") },
  options: { function: functionOption, env: environmentOption, dryRun: dryRunOption },
  examples: [
    { command: "aerostack rollback", explanation: "Back to the version before" },
    {
      command: "aerostack rollback 7 --env staging --yes",
      explanation: "Back to version 7 in staging, without asking",
    },
  ],
  async run(context, { args, options }) {
    const wanted = parseVersion(args.version);
    const name = await chosenFunction(context, options.function);
    const project = await context.project();
    const api = await context.api();
    const path = apiPath("projects", project.id, "functions", name);
    const { versions } = await api.call("GET", `${path}/versions`, listVersionsResponseSchema, {
      query: { env: options.env },
    });
    const live = versions
      .flatMap(({ active }) => active)
      .filter((one) => one.env === options.env)
      .map((one) => one.version);
    const newestLive = Math.max(...live);
    const target = wanted ?? Math.max(...versions.map(({ number }) => number).filter((number) => number < newestLive));
    if (!Number.isFinite(target)) {
      throw new CliError(`${name} has no version before the one that serves in ${options.env}.`, {
        kind: "notFound",
        code: "VERSION_NOT_FOUND",
        fix: "Run `aerostack versions` for those there are.",
      });
    }
    const facts = { function: name, env: options.env, from: live, to: target };
    const change = `${name} in ${options.env}: version ${live.join(" and ")} → ${target}`;
    if (options.dryRun) {
      return { data: { dryRun: true, ...facts }, render: (terminal) => terminal.line(`Would roll back ${change}`) };
    }
    await context.confirm(`Roll back ${change}?`);
    await context.terminal.step(
      `Rolling back ${name}`,
      () => api.call("POST", `${path}/rollback`, anything, { json: { env: options.env, version: target } }),
      () => `Rolled back ${change}`,
    );
    return { data: { ...facts, rolledBack: true }, render: () => {} };
  },
});

/** `7` and `v7`. */
export function parseVersion(text: string): number;
export function parseVersion(text: string | undefined): number | undefined;
export function parseVersion(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^v?([1-9]\d*)$/.exec(text);
  if (match === null)
    throw usageError(`'${text}' is not a version number.`, "Run `aerostack versions` for those there are.");
  return Number(match[1]);
}
