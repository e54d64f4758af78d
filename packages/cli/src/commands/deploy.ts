import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type DeployResponse, listSecretsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../api/api-client.ts";
import { type Bundle, bundleFunction } from "../bundler/bundle-function.ts";
import { type Asset, collectAssets } from "../bundler/collect-assets.ts";
import { describeSize, measureBundle, type SizeReport } from "../bundler/size-report.ts";
import { usageError } from "../command/cli-error.ts";
import type { CommandContext } from "../command/context.ts";
import { type CommandResult, defineCommand } from "../command/define-command.ts";
import { flag, text } from "../command/option.ts";
import type { FunctionSource, ProjectConfig } from "../config/project-config.ts";
import { deployFunction } from "../deploy/deploy-function.ts";
import { browserAddress } from "../output/browser-address.ts";
import { formatBytes, plural } from "../output/format.ts";
import type { Terminal } from "../output/terminal.ts";
import { type PushedCollection, pushCollections } from "../project/collections.ts";
import { findOrCreateProject } from "../project/find-or-create-project.ts";
import { applyMigrations, planMigrations, readMigrations } from "../project/migrations.ts";
import { dryRunOption, environmentOption } from "./shared-options.ts";

interface Built {
  readonly source: FunctionSource;
  readonly bundle: Bundle;
  readonly assets: readonly Asset[];
  readonly size: SizeReport;
}

/** Parts of the code named in the size report. */
const LARGEST_PARTS = 5;

export const deployCommand = defineCommand({
  name: "deploy",
  summary: "Bundle the functions of this folder and deploy them",
  details: [
    "Bundles main (and every [[services]] entry with a main) into one ES module each, uploads it with its assets, and waits until the server has started it. A bundle that does not start is refused and the version before keeps serving.",
    "The project is the one of the key, else project_id, else the folder's link, else the one with the configuration's name; where there is none it is created and the folder linked to it.",
  ],
  options: {
    env: environmentOption,
    public: flag("Let anybody call the function"),
    private: flag("Let only holders of a key of the project call it"),
    message: text("text", "Note kept with the version", { short: "m" }),
    migrate: flag("Apply pending migrations first (database.migrate_on_deploy does so always)"),
    readable: flag("Leave the code unminified, so that stack traces can be read"),
    outdir: text("folder", "Write the bundle here too"),
    dryRun: dryRunOption,
  },
  examples: [
    { command: "aerostack deploy", explanation: "Deploy to production" },
    {
      command: 'aerostack deploy --env staging -m "Try the new search"',
      explanation: "Deploy to staging, with a note",
    },
    { command: "aerostack deploy --dry-run --outdir dist", explanation: "Bundle only, and look at the result" },
  ],
  async run(context, { options }) {
    if (options.public && options.private) throw usageError("--public and --private exclude each other.");
    const config = await context.requireConfig(options.env);
    for (const notice of config.notices) context.terminal.warn(`Ignored: ${notice}`);

    const built: Built[] = [];
    for (const source of config.functions) {
      built.push(await build(context, config, source, !options.readable, options.outdir));
    }
    if (options.dryRun) return dryRunResult(built);

    const { terminal } = context;
    const api = await context.api();
    const project = await findOrCreateProject({
      api,
      config,
      flag: context.globals.project,
      cwd: context.surroundings.cwd,
    });
    if (project.source === "created") terminal.success(`Created project ${project.slug} and linked this folder to it`);
    const migrated = await migrate(context, config, project.id, options.migrate);
    const collections = await pushDescribed(context, config, project.id, options.migrate);

    const answers: DeployResponse[] = [];
    for (const { source, bundle, assets } of built) {
      const answer = await terminal.step(
        `Deploying ${source.name} to ${options.env}`,
        () =>
          deployFunction(api, {
            source,
            bundle,
            assets,
            environment: options.env,
            projectId: project.id,
            public: options.public ? true : options.private ? false : undefined,
            message: options.message,
          }),
        ({ version }) =>
          `Deployed ${source.name}${version == null ? "" : ` version ${version.number}`} to ${options.env}`,
      );
      answers.push(answer);
    }
    await warnOfMissingSecrets(context, config, project.id);
    return {
      data: {
        deployments: answers,
        migrations: migrated,
        collections,
        sizes: Object.fromEntries(built.map(({ source, size }) => [source.name, size])),
      },
      render: (out) => renderAddresses(out, answers),
    };
  },
});

async function build(
  context: CommandContext,
  config: ProjectConfig,
  source: FunctionSource,
  minify: boolean,
  outdir: string | undefined,
): Promise<Built> {
  const { terminal, surroundings } = context;
  const result = await terminal.step(
    `Bundling ${source.name}`,
    async () => {
      const bundle = await bundleFunction(source, config.directory, { minify });
      const assets = source.assetsDirectory === undefined ? [] : await collectAssets(source.assetsDirectory);
      return { source, bundle, assets, size: measureBundle(bundle, assets) };
    },
    ({ size }) => `Bundled ${source.name} ${terminal.noteStyle.dim(`(${describeSize(size)})`)}`,
  );
  for (const warning of result.bundle.warnings) terminal.warn(warning);
  if (outdir !== undefined) {
    const folder = resolve(surroundings.cwd, outdir, config.functions.length > 1 ? source.name : "");
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "worker.js"), result.bundle.code);
    for (const { name, content } of result.bundle.extraModules) await writeFile(join(folder, name), content);
  }
  return result;
}

async function migrate(
  context: CommandContext,
  config: ProjectConfig,
  projectId: string,
  asked: boolean,
): Promise<readonly string[]> {
  const migrations = await readMigrations(config.migrationsDirectory);
  if (migrations.length === 0) return [];
  const { terminal } = context;
  const api = await context.api();
  // The environment's own database: staging never touches what production holds.
  const database = config.environment === "staging" ? `${config.database}-staging` : config.database;
  const common = { api, projectId, database, migrations };
  if (!asked && !config.migrateOnDeploy) {
    const { pending } = await planMigrations(common);
    if (pending.length > 0) {
      terminal.warn(
        `${plural(pending.length, "migration")} not applied yet: run \`aerostack db migrate${database === config.database ? "" : ` --database ${database}`}\`, or deploy with --migrate.`,
      );
    }
    return [];
  }
  return terminal.step(
    "Applying migrations",
    () => applyMigrations(common),
    (applied) => (applied.length === 0 ? undefined : `Applied ${applied.join(", ")} to database ${database}`),
  );
}

/** Collections are production's: staging has a database of its own, and none. */
async function pushDescribed(
  context: CommandContext,
  config: ProjectConfig,
  projectId: string,
  asked: boolean,
): Promise<readonly string[]> {
  const { collections, environment, migrateOnDeploy } = config;
  if (collections.length === 0 || environment === "staging") return [];
  const common = { api: await context.api(), projectId, collections, allowDestructive: false };
  const changed = (all: readonly PushedCollection[]) =>
    all.filter(({ changes }) => changes.length > 0).map(({ name }) => name);
  if (!asked && !migrateOnDeploy) {
    const waiting = changed(await pushCollections({ ...common, dryRun: true }));
    if (waiting.length > 0) {
      context.terminal.warn(
        `${plural(waiting.length, "collection")} not pushed yet: run \`aerostack collections push\`, or deploy with --migrate.`,
      );
    }
    return [];
  }
  return context.terminal.step(
    "Pushing collections",
    async () => changed(await pushCollections({ ...common, dryRun: false })),
    (names) => (names.length === 0 ? undefined : `Pushed ${names.join(", ")}`),
  );
}

async function warnOfMissingSecrets(context: CommandContext, config: ProjectConfig, projectId: string): Promise<void> {
  if (config.requiredSecrets.length === 0) return;
  const api = await context.api();
  const { secrets } = await api.call("GET", apiPath("projects", projectId, "secrets"), listSecretsResponseSchema, {
    query: { env: config.environment },
  });
  const known = new Set(secrets.map(({ name }) => name));
  for (const name of config.requiredSecrets) {
    if (!known.has(name)) context.terminal.warn(`Secret ${name} is not set: \`aerostack secrets set ${name}\``);
  }
}

function renderAddresses(terminal: Terminal, answers: readonly DeployResponse[]): void {
  const { style } = terminal;
  for (const { url, publicUrl, isPublic } of answers) {
    terminal.line();
    terminal.line(`  ${style.accent(browserAddress(publicUrl))}`);
    if (publicUrl !== url) terminal.line(`  ${style.accent(browserAddress(url))}`);
    if (!isPublic) {
      terminal.line(style.dim("  Private: calls need a key of the project (aerostack keys create <name>)."));
      terminal.line(`  curl -H "X-API-Key: <key>" ${browserAddress(url)}`);
    }
  }
}

function dryRunResult(built: readonly Built[]): CommandResult {
  return {
    data: { dryRun: true, sizes: Object.fromEntries(built.map(({ source, size }) => [source.name, size])) },
    render(terminal) {
      for (const { source, size } of built) {
        terminal.line();
        terminal.line(terminal.style.bold(source.name));
        const rows = [...size.parts.slice(0, LARGEST_PARTS), ...size.modules].map(({ name, bytes }) => [
          name,
          formatBytes(bytes),
        ]);
        terminal.table([{ title: "Part" }, { title: "Size", align: "right" }], rows);
      }
      terminal.note("Nothing was deployed.");
    },
  };
}
