import type { FunctionEnvironment } from "@aerostack/contracts";
import { type ApiClient, createApiClient } from "../api/api-client.ts";
import { loadConfig } from "../config/load-config.ts";
import type { ProjectConfig } from "../config/project-config.ts";
import { type BaseUrl, resolveBaseUrl } from "../credentials/base-url.ts";
import { type Credentials, readCredentials } from "../credentials/credentials-file.ts";
import { type Credential, resolveCredential } from "../credentials/resolve-credential.ts";
import type { Terminal } from "../output/terminal.ts";
import { findProject, type ResolvedProject } from "../project/find-project.ts";
import { CLI_VERSION } from "../version.ts";
import { CliError, configError } from "./cli-error.ts";
import type { GlobalOptions } from "./global-options.ts";
import { createPrompts, type Prompts } from "./prompts.ts";
import type { Surroundings } from "./surroundings.ts";

/** Everything a command works with. What it reads from disk or network it reads once, when first asked for. */
export interface CommandContext {
  readonly surroundings: Surroundings;
  readonly globals: GlobalOptions;
  readonly terminal: Terminal;
  readonly prompts: Prompts;
  /** The configuration for an environment; undefined where there is no file. */
  config(environment?: FunctionEnvironment): Promise<ProjectConfig | undefined>;
  requireConfig(environment?: FunctionEnvironment): Promise<ProjectConfig>;
  credentials(): Promise<Credentials>;
  baseUrl(): Promise<BaseUrl>;
  credential(): Promise<Credential | undefined>;
  /** The server, without a credential. */
  server(): Promise<ApiClient>;
  /** The server, with the credential; an auth error where there is none. */
  api(): Promise<ApiClient>;
  /** The existing project that the command works on. */
  project(): Promise<ResolvedProject>;
  /** `--yes`, or a person says yes; an error where nobody can be asked, and when the answer is no. */
  confirm(question: string, fix?: string): Promise<void>;
}

export interface ContextOptions {
  readonly surroundings: Surroundings;
  readonly globals: GlobalOptions;
  readonly terminal: Terminal;
}

export function createContext({ surroundings, globals, terminal }: ContextOptions): CommandContext {
  const interactive = surroundings.stdin.isTTY === true && surroundings.stderr.isTTY && !globals.json;
  const prompts = createPrompts(interactive, surroundings.prompts);
  const configs = new Map<FunctionEnvironment, Promise<ProjectConfig | undefined>>();
  let credentials: Promise<Credentials> | undefined;

  const context: CommandContext = {
    surroundings,
    globals,
    terminal,
    prompts,
    config(environment = "production") {
      const known = configs.get(environment);
      if (known !== undefined) return known;
      const loading = loadConfig({ cwd: surroundings.cwd, file: globals.config, environment });
      configs.set(environment, loading);
      return loading;
    },
    async requireConfig(environment) {
      const config = await context.config(environment);
      if (config !== undefined) return config;
      throw configError(
        `There is no aerostack.toml or wrangler file in ${surroundings.cwd} or above it.`,
        "Create a project with `aerostack init`, or change into one.",
      );
    },
    credentials() {
      credentials ??= readCredentials(surroundings.homeDirectory);
      return credentials;
    },
    async baseUrl() {
      return resolveBaseUrl({
        flag: globals.apiUrl,
        env: surroundings.env,
        configured: (await context.config())?.apiUrl,
        loggedIn: (await context.credentials()).api_url,
      });
    },
    async credential() {
      return resolveCredential({
        env: surroundings.env,
        configured: (await context.config())?.apiKey,
        credentials: await context.credentials(),
        baseUrl: await context.baseUrl(),
      });
    },
    async server() {
      return createApiClient({
        baseUrl: (await context.baseUrl()).url,
        credential: undefined,
        fetch: surroundings.fetch,
        version: CLI_VERSION,
        signal: surroundings.signal,
      });
    },
    async api() {
      const credential = await context.credential();
      const server = await context.server();
      if (credential !== undefined) return server.withCredential(credential.key);
      throw new CliError(`You are not logged in to ${server.baseUrl}.`, {
        kind: "auth",
        code: "NOT_LOGGED_IN",
        fix: "Run `aerostack login`, or set AEROSTACK_API_KEY.",
      });
    },
    async project() {
      const api = await context.api();
      return findProject({ api, config: await context.config(), flag: globals.project, cwd: surroundings.cwd });
    },
    async confirm(question, fix = "Add --yes to go ahead, or --dry-run to see what would happen.") {
      if (globals.yes) return;
      const agreed = await prompts.confirm(question, { fix });
      if (!agreed) throw new CliError("Nothing was changed.", { kind: "failed", code: "NOT_CONFIRMED" });
    },
  };
  return context;
}
