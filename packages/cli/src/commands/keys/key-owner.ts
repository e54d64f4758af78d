import { apiPath } from "../../api/api-client.ts";
import type { CommandContext } from "../../command/context.ts";
import { flag } from "../../command/option.ts";

export const accountOption = flag("Your account's own keys, in place of the project's");

/** Where the keys meant are managed, and whose they are in words. */
export async function keyOwner(context: CommandContext, account: boolean): Promise<{ path: string; owner: string }> {
  if (account) return { path: apiPath("account", "keys"), owner: "the account" };
  const project = await context.project();
  return { path: apiPath("projects", project.id, "keys"), owner: project.slug };
}
