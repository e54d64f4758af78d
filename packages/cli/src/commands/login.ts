import { hostname } from "node:os";
import { validateKeyResponseSchema } from "@aerostack/contracts";
import { usageError } from "../command/cli-error.ts";
import type { CommandContext } from "../command/context.ts";
import { defineCommand } from "../command/define-command.ts";
import { flag, text } from "../command/option.ts";
import { readSecretFromStdin } from "../command/read-input.ts";
import { withServer, writeCredentials } from "../credentials/credentials-file.ts";
import { loginByDevice } from "../login/device-login.ts";
import { loginByPassword } from "../login/password-login.ts";

export const loginCommand = defineCommand({
  name: "login",
  summary: "Log in to a server and keep its key on this machine",
  details: [
    "Shows an address and a code to confirm in a browser, which may run on another machine: it works over SSH. With --email the password is asked for, or read from standard input; with --key an existing key is kept.",
    "The key is stored in ~/.aerostack/credentials.json, readable by you only, and is sent to that server only.",
  ],
  options: {
    key: text("key", "Keep this key; - reads it from standard input"),
    email: text("address", "Log in with a password instead of a browser"),
    register: flag("With --email: create the account first"),
    setupToken: text(
      "token",
      "With --email: create the first account of a new server, with the token or link it printed",
    ),
  },
  examples: [
    { command: "aerostack login", explanation: "In the browser" },
    { command: "aerostack login --email ada@example.com < password.txt", explanation: "In a script" },
    {
      command: "aerostack login --email ada@example.com --setup-token <link>",
      explanation: "First account of a new server",
    },
  ],
  async run(context, { options }) {
    if (options.key !== undefined && options.email !== undefined)
      throw usageError("--key and --email exclude each other.");
    if ((options.register || options.setupToken !== undefined) && options.email === undefined) {
      throw usageError("Creating an account needs --email.");
    }
    const server = await context.server();
    const { key, keyId } = await obtainKey(context, options);
    const identity = await server.withCredential(key).call("POST", "/api/v1/cli/validate", validateKeyResponseSchema);
    const entry = {
      api_key: key,
      ...(identity.email === undefined ? {} : { email: identity.email }),
      ...(keyId === undefined ? {} : { key_id: keyId }),
    };
    const { homeDirectory } = context.surroundings;
    const file = await writeCredentials(homeDirectory, withServer(await context.credentials(), server.baseUrl, entry));
    const who = identity.email ?? (identity.keyType === "project" ? `project ${identity.slug ?? ""}` : "an account");
    context.terminal.success(`Logged in to ${server.baseUrl} as ${who}`);
    if (context.surroundings.env.AEROSTACK_API_KEY !== undefined) {
      context.terminal.warn("AEROSTACK_API_KEY is set and wins over what was stored.");
    }
    return { data: { server: server.baseUrl, file, ...identity }, render: () => {} };
  },
});

interface LoginOptions {
  readonly key: string | undefined;
  readonly email: string | undefined;
  readonly register: boolean;
  readonly setupToken: string | undefined;
}

async function obtainKey(context: CommandContext, options: LoginOptions): Promise<{ key: string; keyId?: string }> {
  const { stdin } = context.surroundings;
  if (options.key !== undefined) {
    return { key: options.key === "-" ? await readSecretFromStdin(stdin, "key") : options.key };
  }
  const server = await context.server();
  if (options.email === undefined) return { key: await loginByDevice(context, server) };
  const password =
    stdin.isTTY === true
      ? await context.prompts.password(`Password of ${options.email}`, { fix: "Pass it on standard input." })
      : await readSecretFromStdin(stdin, "password");
  const { email, register } = options;
  const setupToken = options.setupToken?.replace(/^.*#token=/, "");
  if (register || setupToken !== undefined)
    await context.confirm(
      "An account may be opened from the age of 16. Are you 16 or older?",
      "Add --yes to confirm it.",
    );
  return context.terminal.step(
    "Logging in",
    () => loginByPassword(server, { email, password, register, setupToken, keyName: `CLI on ${hostname()}` }),
    () => undefined,
  );
}
