import { type AuditEntry, listAuditResponseSchema } from "@aerostack/contracts";
import { defineCommand } from "../../command/define-command.ts";
import { printableLine } from "../../output/printable.ts";
import { renderPage } from "../list-page.ts";
import { cursorOption, limitOption } from "../shared-options.ts";
import { auditOptions, auditScope } from "./audit-scope.ts";

export const auditListCommand = defineCommand({
  name: "list",
  summary: "List who did what to what, newest first",
  details: ["By default what was done to the project. With --json every entry also has what was before and after."],
  options: { ...auditOptions, limit: limitOption, cursor: cursorOption },
  examples: [
    { command: "aerostack audit list --since 1d", explanation: "What was done to the project since yesterday" },
    { command: "aerostack audit list --action 'key.*'", explanation: "Everything that happened to its keys" },
  ],
  async run(context, { options: { limit, cursor, ...selection } }) {
    const { path, of, query } = await auditScope(context, selection);
    const api = await context.api();
    const answer = await api.call("GET", path, listAuditResponseSchema, { query: { ...query, limit, cursor } });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Time", paint: terminal.style.dim },
            { title: "Who" },
            { title: "Action", paint: terminal.style.accent },
            { title: "What" },
            { title: "From" },
          ],
          rows: answer.entries.map((entry) => [
            secondsOf(entry.time),
            printableLine(actorOf(entry)),
            entry.action,
            printableLine(entry.target.id ?? entry.target.kind),
            printableLine(entry.ip ?? "–"),
          ]),
          empty: `No entries of ${of}.`,
          nextCursor: answer.nextCursor,
        }),
    };
  },
});

/** `2026-06-01 12:00:00`, UTC. */
function secondsOf(time: string): string {
  return time.slice(0, "2026-01-01T00:00:00".length).replace("T", " ");
}

function actorOf({ actor }: AuditEntry): string {
  return actor.id ?? actor.kind;
}
