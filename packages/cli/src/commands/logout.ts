import { listAccountKeysResponseSchema, successSchema } from "@aerostack/contracts";
import { type ApiClient, apiPath } from "../api/api-client.ts";
import { defineCommand } from "../command/define-command.ts";
import { flag } from "../command/option.ts";
import { type CredentialEntry, withoutServer, writeCredentials } from "../credentials/credentials-file.ts";

export const logoutCommand = defineCommand({
  name: "logout",
  summary: "Revoke this machine's key and forget it",
  options: { keepKey: flag("Only forget the key here; it stays valid") },
  examples: [{ command: "aerostack logout", explanation: "From the server in use" }],
  async run(context, { options }) {
    const credentials = await context.credentials();
    const { url } = await context.baseUrl();
    const entry = credentials.servers?.[url];
    if (entry === undefined) {
      return {
        data: { server: url, loggedOut: false },
        render: (terminal) => terminal.note(`You are not logged in to ${url}.`),
      };
    }
    let revoked = false;
    if (!options.keepKey) {
      const api = (await context.server()).withCredential(entry.api_key);
      // Whatever the server says, the key is forgotten here.
      revoked = await revoke(api, entry).catch(() => false);
      if (!revoked) context.terminal.warn("The key could not be revoked on the server; it is forgotten here only.");
    }
    await writeCredentials(context.surroundings.homeDirectory, withoutServer(credentials, url));
    context.terminal.success(`Logged out of ${url}`);
    return { data: { server: url, loggedOut: true, revoked }, render: () => {} };
  },
});

async function revoke(api: ApiClient, entry: CredentialEntry): Promise<boolean> {
  const { keys } = await api.call("GET", apiPath("account", "keys"), listAccountKeysResponseSchema, {
    query: { limit: 200 },
  });
  const id =
    entry.key_id ?? keys.find(({ prefix, revokedAt }) => revokedAt === null && entry.api_key.startsWith(prefix))?.id;
  if (id === undefined) return false;
  await api.call("DELETE", apiPath("account", "keys", id), successSchema);
  return true;
}
