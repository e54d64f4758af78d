import { type LegalCase, listLegalCasesResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { flag } from "../../command/option.ts";
import { printableLine } from "../../output/printable.ts";
import { hyphened } from "../hyphened.ts";
import { renderPage } from "../list-page.ts";
import { minutesOf } from "../minutes-of.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const legalListCommand = defineCommand({
  name: "list",
  summary: "List cases of lawful requests, newest first",
  options: { all: flag("Those that are closed, too"), limit: limitOption, cursor: cursorOption },
  examples: [{ command: "aerostack legal list", explanation: "Cases that are open, with their holds" }],
  async run(context, { options: { all, limit, cursor } }) {
    const api = await context.api();
    const query = { state: all ? undefined : "open", limit, cursor };
    const answer = await api.call("GET", apiPath("admin", "legal", "cases"), listLegalCasesResponseSchema, { query });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Case", paint: terminal.style.accent },
            { title: "Opened", paint: terminal.style.dim },
            { title: "About" },
            { title: "Hold" },
            ...(all ? [{ title: "State" }] : []),
            { title: "Reference" },
            { title: "Authority" },
          ],
          rows: answer.cases.map((one) => [
            one.id,
            minutesOf(one.openedAt),
            `${hyphened(one.subject.kind)} ${printableLine(one.subject.id)}`,
            holdOf(one),
            ...(all ? [one.state] : []),
            printableLine(one.reference),
            printableLine(one.authority),
          ]),
          empty: all ? "No cases." : "No open cases.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});

export function holdOf({ hold }: LegalCase): string {
  if (hold === null) return "–";
  return hold.inForce ? `since ${minutesOf(hold.placedAt)}` : `lifted ${minutesOf(hold.liftedAt ?? "")}`;
}
