import { resolve } from "node:path";
import { CliError } from "../command/cli-error.ts";
import { defineCommand } from "../command/define-command.ts";
import { integer, text } from "../command/option.ts";
import { startServer } from "../local-server/start-server.ts";

const DEFAULT_PORT = 8787;

export const startCommand = defineCommand({
  name: "start",
  summary: "Run the server on this machine",
  details: [
    "Runs until Ctrl-C, which lets requests end first. Other settings come from environment variables, as in `npm start`; --verbose shows the server's own log.",
  ],
  options: {
    port: integer(
      "port",
      "Port to listen on, 0 for any; by default PORT, else 8787",
      { min: 0, max: 65_535 },
      undefined,
    ),
    host: text("address", "Address to listen on; by default HOST, else 127.0.0.1"),
    dataDir: text("folder", "Where everything is kept; by default AEROSTACK_DATA_DIR, else ./data"),
  },
  examples: [
    {
      command: "aerostack start --port 9000 --data-dir ~/aerostack",
      explanation: "On another port, with its data elsewhere",
    },
  ],
  async run(context, { options }) {
    const { surroundings, terminal, globals } = context;
    const { signal, env, cwd } = surroundings;
    const server = await startServer({
      port: options.port ?? Number(env.PORT ?? DEFAULT_PORT),
      host: options.host,
      dataDirectory: options.dataDir === undefined ? undefined : resolve(cwd, options.dataDir),
      env,
      onLine(line, stream) {
        if (stream === "stdout") terminal.line(line);
        else if (globals.verbose || isError(line)) surroundings.stderr.write(`${line}\n`);
      },
    });
    if (terminal.json) terminal.document({ event: "ready", url: server.url, processId: server.processId });
    const interrupted = new Promise<"interrupted">((done) =>
      signal.addEventListener("abort", () => done("interrupted"), { once: true }),
    );
    const end = signal.aborted ? "interrupted" : await Promise.race([server.ended, interrupted]);
    if (end === "interrupted") {
      await server.stop();
      return;
    }
    throw new CliError(`The server ended with code ${end}.`, {
      kind: "server",
      code: "SERVER_ENDED",
      fix: "Run it with --verbose to see its log.",
    });
  },
});

/** Errors of the server's own log (pino: level 50 and above), and what is no log line at all, are always shown. */
function isError(line: string): boolean {
  const level = /"level":(\d+)/.exec(line)?.[1];
  return level === undefined || Number(level) >= 50;
}
