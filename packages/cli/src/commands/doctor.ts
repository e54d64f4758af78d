import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { validateKeyResponseSchema } from "@aerostack/contracts";
import { version as esbuildVersion } from "esbuild";
import { healthAnswer } from "../api/answers.ts";
import { CliError } from "../command/cli-error.ts";
import type { CommandContext } from "../command/context.ts";
import { defineCommand } from "../command/define-command.ts";
import { credentialsPath } from "../credentials/credentials-file.ts";
import { formatDuration } from "../output/format.ts";
import { CLI_VERSION } from "../version.ts";

interface Check {
  readonly name: string;
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly found: string;
  readonly fix?: string;
}

/** Keys and signatures bear some difference of clocks, not much. */
const LARGEST_SKEW_MS = 30_000;
const OTHERS_MAY_READ = 0o077;

export const doctorCommand = defineCommand({
  name: "doctor",
  summary: "Check everything a deployment needs, and say what to mend",
  examples: [{ command: "aerostack doctor", explanation: "Exits with 1 when something is broken" }],
  async run(context) {
    const checks: Check[] = [];
    for (const check of [checkNode, checkBundler, checkConfig, checkCredentials, checkServer, checkKey, checkProject]) {
      checks.push(...(await guarded(context, check, checks)));
    }
    const failed = checks.some(({ state }) => state === "failed");
    return {
      data: { ok: !failed, checks },
      exit: failed ? "failed" : "ok",
      render(terminal) {
        const { style } = terminal;
        const marks = {
          ok: style.success("✓"),
          warning: style.warning("!"),
          failed: style.danger("✗"),
          skipped: style.dim("-"),
        };
        const width = Math.max(...checks.map(({ name }) => name.length));
        for (const { name, state, found, fix } of checks) {
          terminal.line(`${marks[state]} ${name.padEnd(width)}  ${state === "skipped" ? style.dim(found) : found}`);
          if (fix !== undefined) terminal.line(`  ${" ".repeat(width)}  ${style.dim("→")} ${fix}`);
        }
      },
    };
  },
});

type RunCheck = (context: CommandContext, before: readonly Check[]) => Promise<Check[]>;

/** A check that throws has failed, with the error's own advice. */
async function guarded(context: CommandContext, check: RunCheck, before: readonly Check[]): Promise<Check[]> {
  try {
    return await check(context, before);
  } catch (error) {
    if (error instanceof CliError && error.kind === "interrupted") throw error;
    const name = NAMES.get(check) ?? check.name;
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    const fix = error instanceof CliError ? error.fix : undefined;
    return [{ name, state: "failed", found: message, ...(fix === undefined ? {} : { fix }) }];
  }
}

async function checkNode(): Promise<Check[]> {
  return [
    { name: "CLI", state: "ok", found: CLI_VERSION },
    { name: "Node", state: "ok", found: `${process.versions.node} (${process.execPath})` },
  ];
}

async function checkBundler(): Promise<Check[]> {
  const { transform } = await import("esbuild");
  await transform("export default 1 as number", { loader: "ts" });
  return [{ name: "Bundler", state: "ok", found: `esbuild ${esbuildVersion}` }];
}

async function checkConfig(context: CommandContext): Promise<Check[]> {
  const config = await context.config();
  if (config === undefined) {
    return [
      {
        name: "Configuration",
        state: "skipped",
        found: `no aerostack.toml or wrangler file in ${context.surroundings.cwd} or above`,
      },
    ];
  }
  const functions = config.functions.map(({ name }) => name).join(", ");
  const checks: Check[] = [{ name: "Configuration", state: "ok", found: `${config.file} (${functions})` }];
  if (config.notices.length > 0) {
    checks.push({ name: "Ignored", state: "warning", found: config.notices.join("; ") });
  }
  if (config.apiKey !== undefined) {
    checks.push({
      name: "api_key",
      state: "warning",
      found: `${config.file} holds a key`,
      fix: "Take it out and use `aerostack login` or AEROSTACK_API_KEY: the file is shared with the code.",
    });
  }
  return checks;
}

async function checkCredentials(context: CommandContext): Promise<Check[]> {
  const file = credentialsPath(context.surroundings.homeDirectory);
  try {
    await access(file, constants.R_OK);
  } catch {
    return [{ name: "Credentials", state: "skipped", found: `no ${file}` }];
  }
  await context.credentials();
  const mode = (await stat(file)).mode & OTHERS_MAY_READ;
  if (process.platform === "win32" || mode === 0) return [{ name: "Credentials", state: "ok", found: file }];
  return [{ name: "Credentials", state: "warning", found: `others may read ${file}`, fix: `chmod 600 ${file}` }];
}

async function checkServer(context: CommandContext): Promise<Check[]> {
  const server = await context.server();
  const baseUrl = await context.baseUrl();
  const sentAt = context.surroundings.now();
  const response = await server.open("GET", "/healthz");
  const answeredAt = context.surroundings.now();
  const health = healthAnswer.parse(await response.json());
  const took = formatDuration(answeredAt - sentAt);
  const checks: Check[] = [
    { name: "Server", state: "ok", found: `${baseUrl.url} (${baseUrl.source}), answers in ${took}` },
  ];
  if (health.version != null) {
    const same = health.version === CLI_VERSION;
    checks.push({
      name: "Version",
      state: same ? "ok" : "warning",
      found: `server ${health.version}, CLI ${CLI_VERSION}`,
      ...(same ? {} : { fix: "Use a CLI of the server's version where something is not understood." }),
    });
  }
  const date = response.headers.get("date");
  if (date !== null) {
    // The header has whole seconds; the middle of the call is the fairest moment to compare with.
    const skewMs = Math.abs(Date.parse(date) + 500 - (sentAt + answeredAt) / 2);
    const fine = skewMs <= LARGEST_SKEW_MS;
    checks.push({
      name: "Clock",
      state: fine ? "ok" : "failed",
      found: fine ? "agrees with the server's" : `differs from the server's by ${formatDuration(skewMs)}`,
      ...(fine ? {} : { fix: "Set this machine's clock; tokens and expiry times depend on it." }),
    });
  }
  const { hostname, protocol } = new URL(baseUrl.url);
  if (protocol === "http:" && !/^(?:localhost|127\.|\[::1\])/.test(hostname)) {
    checks.push({
      name: "Encryption",
      state: "warning",
      found: "keys travel in clear text",
      fix: "Use the server's https address.",
    });
  }
  return checks;
}

async function checkKey(context: CommandContext, before: readonly Check[]): Promise<Check[]> {
  if (!before.some(({ name, state }) => name === "Server" && state === "ok"))
    return [{ name: "Key", state: "skipped", found: "needs the server" }];
  const credential = await context.credential();
  const api = await context.api();
  const identity = await api.call("POST", "/api/v1/cli/validate", validateKeyResponseSchema);
  const who = identity.email ?? identity.slug ?? identity.keyType;
  return [{ name: "Key", state: "ok", found: `${identity.keyType} key of ${who}, from ${credential?.source ?? ""}` }];
}

async function checkProject(context: CommandContext, before: readonly Check[]): Promise<Check[]> {
  if (!before.some(({ name, state }) => name === "Key" && state === "ok"))
    return [{ name: "Project", state: "skipped", found: "needs a valid key" }];
  if ((await context.config()) === undefined && context.globals.project === undefined) return [];
  try {
    const { slug, source } = await context.project();
    return [{ name: "Project", state: "ok", found: `${slug} (by ${source})` }];
  } catch (error) {
    if (!(error instanceof CliError) || error.kind !== "notFound") throw error;
    return [
      {
        name: "Project",
        state: "warning",
        found: error.message,
        ...(error.fix === undefined ? {} : { fix: error.fix }),
      },
    ];
  }
}

const NAMES = new Map<RunCheck, string>([
  [checkNode, "Node"],
  [checkBundler, "Bundler"],
  [checkConfig, "Configuration"],
  [checkCredentials, "Credentials"],
  [checkServer, "Server"],
  [checkKey, "Key"],
  [checkProject, "Project"],
]);
