import { createApiClient } from "../api/api-client.ts";
import type { CommandContext } from "../command/context.ts";
import { defineCommand } from "../command/define-command.ts";
import { toCliError } from "../command/render-error.ts";
import { loadConfig } from "../config/load-config.ts";
import type { ProjectConfig } from "../config/project-config.ts";
import { ensureDevCredential } from "../dev/dev-credential.ts";
import { ensureDevProject } from "../dev/dev-project.ts";
import { type DevEvent, startDevSession } from "../dev/dev-session.ts";
import { type DevServer, findOrStartServer } from "../dev/find-or-start-server.ts";
import { followLogs } from "../logs/follow-logs.ts";
import { renderLogEntry } from "../logs/render-log-entry.ts";
import { browserAddress } from "../output/browser-address.ts";
import { formatDuration } from "../output/format.ts";
import { CLI_VERSION } from "../version.ts";

/** Names the made-up account of a server that a session starts for itself. */
const OWN_SERVER = "own";

export const devCommand = defineCommand({
  name: "dev",
  summary: "Run the functions on this machine and deploy each change",
  details: [
    "Uses the server that runs on this machine, or starts one with its data in .aerostack/dev. The functions run in the real runtime with real bindings, in a project `<name>-dev` of an account made up for it: nothing has to be set up, and nothing elsewhere is touched.",
    "Saving a source file, an asset, a migration, the schema of a collection, .dev.vars or the configuration takes effect at once. Variables of .dev.vars are set on top of [vars]. Logs follow until Ctrl-C.",
  ],
  examples: [{ command: "aerostack dev", explanation: "Then open the address it shows" }],
  async run(context) {
    const { surroundings, terminal } = context;
    const { signal } = surroundings;
    const first = await context.requireConfig();
    for (const notice of first.notices) terminal.warn(`Ignored: ${notice}`);

    const server = await terminal.step(
      "Starting the local server",
      async () =>
        findOrStartServer({ server: await context.server(), directory: first.directory, env: surroundings.env }),
      ({ url, own }) =>
        own === undefined ? `Using the server at ${url}` : `Started a server at ${url} (data in .aerostack/dev)`,
    );
    try {
      const api = await authorise(context, server, first);
      const project = await ensureDevProject(api, first.projectName);
      terminal.event({ event: "ready", server: server.url, project: project.name }, () => {});
      const logs = followLogs({
        api,
        projectId: project.id,
        filter: {},
        signal,
        sleep: surroundings.sleep,
        onEntry: (entry) =>
          terminal.event({ event: "log", ...entry }, () => {
            for (const line of renderLogEntry(entry, terminal.style)) terminal.line(line);
          }),
        onInterrupted: (reason) => terminal.warn(`The log stream broke (${reason}); connecting again.`),
      });
      await Promise.all([logs, watchUntilStopped(context, api, project.id, first)]);
    } finally {
      await server.own?.stop();
    }
  },
});

async function authorise(context: CommandContext, { url, own }: DevServer, config: ProjectConfig) {
  const { surroundings } = context;
  const server = createApiClient({
    baseUrl: url,
    credential: undefined,
    fetch: surroundings.fetch,
    version: CLI_VERSION,
    signal: surroundings.signal,
  });
  // Who is logged in to the server that runs here works in their own account; a project key belongs to another project.
  const credential = own === undefined ? await context.credential() : undefined;
  if (credential?.source === "log-in") return server.withCredential(credential.key);
  const key = await ensureDevCredential({
    server,
    directory: config.directory,
    account: own === undefined ? url : OWN_SERVER,
    setupToken: own?.setupToken,
  });
  return server.withCredential(key);
}

/** One session per reading of the configuration, until the signal aborts. */
async function watchUntilStopped(
  context: CommandContext,
  api: Awaited<ReturnType<typeof authorise>>,
  projectId: string,
  first: ProjectConfig,
): Promise<void> {
  const { signal } = context.surroundings;
  const announced = new Set<string>();
  let config: ProjectConfig | undefined = first;
  while (!signal.aborted) {
    const changed = Promise.withResolvers<void>();
    const onAbort = (): void => changed.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    const session =
      config === undefined
        ? undefined
        : await startDevSession({
            api,
            projectId,
            config,
            onEvent: (event) => {
              if (!signal.aborted) report(context, event, announced);
            },
            onConfigChange: () => changed.resolve(),
          });
    await changed.promise;
    signal.removeEventListener("abort", onAbort);
    await session?.close();
    if (!signal.aborted) config = await reload(context, config ?? first);
  }
}

/** The configuration as it is now; the one before while the new one has a fault. */
async function reload(context: CommandContext, before: ProjectConfig): Promise<ProjectConfig> {
  try {
    const config = await loadConfig({ cwd: before.directory, file: before.file, environment: "production" });
    context.terminal.note("The configuration has changed.");
    return config ?? before;
  } catch (error) {
    report(context, { event: "error", error }, new Set());
    return before;
  }
}

function report({ terminal }: CommandContext, event: DevEvent, announced: Set<string>): void {
  if (event.event === "error") {
    const { code, message, fix } = toCliError(event.error);
    terminal.event({ event: "error", code, message, fix }, () => {
      const [head = "", ...more] = message.split("\n");
      terminal.failure(head);
      for (const line of more) terminal.note(`  ${line}`);
      if (fix !== undefined) terminal.note(`  ${fix}`);
    });
    return;
  }
  terminal.event(event, () => {
    switch (event.event) {
      case "deployed": {
        terminal.success(
          `${event.function} version ${event.version} ${terminal.noteStyle.dim(formatDuration(event.durationMs))}`,
        );
        if (!announced.has(event.url)) terminal.line(`\n  ${terminal.style.accent(browserAddress(event.url))}\n`);
        announced.add(event.url);
        return;
      }
      case "migrated":
        terminal.success(`Applied ${event.migrations.join(", ")}`);
        return;
      case "pushed":
        terminal.success(`Pushed ${event.collections.join(", ")}`);
        return;
      case "warning":
        terminal.warn(event.message);
        return;
    }
  });
}
