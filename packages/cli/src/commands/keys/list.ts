import {
  type AccountKey,
  listAccountKeysResponseSchema,
  listProjectKeysResponseSchema,
  type ProjectKey,
} from "@aerostack/contracts";
import { defineCommand } from "../../command/define-command.ts";
import { formatAgo } from "../../output/format.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";
import { accountOption, keyOwner } from "./key-owner.ts";

export const keysListCommand = defineCommand({
  name: "list",
  summary: "List keys; only their first characters are shown",
  options: { account: accountOption, limit: limitOption, cursor: cursorOption },
  examples: [{ command: "aerostack keys list", explanation: "The keys of the project" }],
  async run(context, { options: { account, limit, cursor } }) {
    const { path, owner } = await keyOwner(context, account);
    const api = await context.api();
    const query = { limit, cursor };
    const answer = account
      ? await api.call("GET", path, listAccountKeysResponseSchema, { query })
      : await api.call("GET", path, listProjectKeysResponseSchema, { query });
    const keys: readonly (AccountKey | ProjectKey)[] = answer.keys;
    const now = context.surroundings.now();
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Name" },
            { title: "Kind" },
            { title: "Key", paint: terminal.style.accent },
            { title: "May" },
            { title: "From" },
            { title: "Created" },
            { title: "Last used" },
            { title: "State" },
            { title: "Id", paint: terminal.style.dim },
          ],
          rows: keys.map((key) => [
            printableLine(key.name),
            "kind" in key ? key.kind : "account",
            `${key.prefix}…`,
            key.scopes.join(" "),
            key.allowedIps.length === 0 ? "anywhere" : key.allowedIps.join(" "),
            formatAgo(key.createdAt, now),
            key.lastUsedAt === null ? "never" : formatAgo(key.lastUsedAt, now),
            stateOf(key, now),
            key.id,
          ]),
          empty: `No keys of ${owner}. Create one with \`aerostack keys create <name>\`.`,
          nextCursor: answer.nextCursor,
        }),
    };
  },
});

function stateOf(key: Pick<AccountKey, "revokedAt" | "expiresAt" | "replacedBy">, nowMs: number): string {
  if (key.revokedAt !== null) return "revoked";
  if (key.replacedBy !== null)
    return isPast(key.expiresAt, nowMs) ? "rotated" : `rotated, ends ${minuteOf(key.expiresAt)}`;
  if (key.expiresAt === null) return "valid";
  return isPast(key.expiresAt, nowMs) ? "expired" : `until ${key.expiresAt.slice(0, "2026-01-01".length)}`;
}

function isPast(time: string | null, nowMs: number): boolean {
  return time !== null && Date.parse(time) <= nowMs;
}

/** `2026-01-01 12:00`, UTC. */
function minuteOf(time: string | null): string {
  return time === null ? "" : time.slice(0, "2026-01-01T00:00".length).replace("T", " ");
}
