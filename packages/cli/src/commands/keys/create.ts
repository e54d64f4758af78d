import { createAccountKeyResponseSchema, createProjectKeyResponseSchema } from "@aerostack/contracts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice, text } from "../../command/option.ts";
import { accountOption, keyOwner } from "./key-owner.ts";

export const keysCreateCommand = defineCommand({
  name: "create",
  summary: "Create a key; it is shown this once",
  details: [
    "Secret keys may do everything within the project and stay on servers; public keys are for browsers and apps.",
  ],
  arguments: { name: required("What the key is for") },
  options: {
    kind: choice("kind", "What it allows", ["public", "secret"], "secret"),
    expires: text("date", "When it ends, such as 2027-01-31; by default never"),
    account: accountOption,
  },
  examples: [{ command: 'aerostack keys create "Web shop" --kind public', explanation: "A key for a web page" }],
  async run(context, { args: { name }, options: { kind, expires, account } }) {
    const expiresAt = expires === undefined ? undefined : parseDate(expires);
    if (account && expiresAt !== undefined) throw usageError("Account keys do not expire: leave --expires out.");
    const { path, owner } = await keyOwner(context, account);
    const api = await context.api();
    const { key, secret } = await context.terminal.step(
      `Creating ${name}`,
      () =>
        account
          ? api.call("POST", path, createAccountKeyResponseSchema, { json: { name } })
          : api.call("POST", path, createProjectKeyResponseSchema, {
              json: { name, kind, ...(expiresAt === undefined ? {} : { expiresAt }) },
            }),
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
