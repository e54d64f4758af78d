import { createAccountKeyResponseSchema, createProjectKeyResponseSchema } from "@aerostack/contracts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice, list, text } from "../../command/option.ts";
import { accountOption, keyOwner } from "./key-owner.ts";

export const keysCreateCommand = defineCommand({
  name: "create",
  summary: "Create a key; it is shown this once",
  details: [
    "Secret keys may do everything within the project and stay on servers; public keys are for browsers and apps.",
    "--scope and --ip narrow a key down: to a service such as db, to one scope such as db:read, to read or write in every service; to addresses and networks such as 192.0.2.0/24.",
  ],
  arguments: { name: required("What the key is for") },
  options: {
    kind: choice("kind", "What it allows", ["public", "secret"], "secret"),
    expires: text("date", "When it ends, such as 2027-01-31; by default never"),
    scope: list("scope", "What it may do; may be given several times; by default everything that its kind may"),
    ip: list("address", "Where it may be used from; may be given several times; by default anywhere"),
    account: accountOption,
  },
  examples: [
    { command: 'aerostack keys create "Web shop" --kind public', explanation: "A key for a web page" },
    {
      command: "aerostack keys create Reports --scope db:read --ip 192.0.2.0/24 --expires 2027-01-31",
      explanation: "One that reads databases, from one network, until then",
    },
  ],
  async run(context, { args: { name }, options: { kind, expires, scope, ip, account } }) {
    const limits = {
      ...(expires === undefined ? {} : { expiresAt: parseDate(expires) }),
      ...(scope.length === 0 ? {} : { scopes: scope }),
      ...(ip.length === 0 ? {} : { allowedIps: ip }),
    };
    const { path, owner } = await keyOwner(context, account);
    const api = await context.api();
    const { key, secret } = await context.terminal.step(
      `Creating ${name}`,
      () =>
        account
          ? api.call("POST", path, createAccountKeyResponseSchema, { json: { name, ...limits } })
          : api.call("POST", path, createProjectKeyResponseSchema, { json: { name, kind, ...limits } }),
      () => `Created a key of ${owner}. It is shown this once:`,
    );
    return { data: { key, secret }, render: (terminal) => terminal.line(secret) };
  },
});

function parseDate(text: string): string {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw usageError(`--expires is '${text}', which is not a date such as 2027-01-31.`);
  return new Date(ms).toISOString();
}
