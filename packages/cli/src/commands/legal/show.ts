import { listDisclosuresResponseSchema, readLegalCaseResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { defineCommand } from "../../command/define-command.ts";
import { formatBytes, plural } from "../../output/format.ts";
import { printable, printableLine } from "../../output/printable.ts";
import { hyphened } from "../hyphened.ts";
import { minutesOf } from "../minutes-of.ts";
import { holdOf } from "./list.ts";

export const legalShowCommand = defineCommand({
  name: "show",
  summary: "Show a case: what it keeps back, and what was disclosed to whom",
  arguments: { case: required("Id of the case") },
  examples: [{ command: "aerostack legal show lgc_01k", explanation: "With the newest disclosures" }],
  async run(context, { args }) {
    const api = await context.api();
    const path = apiPath("admin", "legal", "cases", args.case);
    const answer = await api.call("GET", path, readLegalCaseResponseSchema);
    const { disclosures, nextCursor } = await api.call("GET", `${path}/disclosures`, listDisclosuresResponseSchema);
    const { case: shown, keptBack } = answer;
    return {
      data: { ...answer, disclosures, nextCursor },
      render(terminal) {
        terminal.pairs([
          ["About", `${hyphened(shown.subject.kind)} ${printableLine(shown.subject.id)}`],
          ["Reference", printableLine(shown.reference)],
          ["Authority", printableLine(shown.authority)],
          ["Legal basis", printableLine(shown.legalBasis)],
          ["Opened", `${minutesOf(shown.openedAt)} by ${shown.openedBy}`],
          [
            "State",
            shown.closedAt === null
              ? shown.state
              : `closed ${minutesOf(shown.closedAt)}: ${printableLine(shown.closeReason ?? "")}`,
          ],
          ["Hold", holdOf(shown)],
          [
            "Subject was told",
            shown.hold?.toldSubject === undefined ? "–" : printableLine(shown.hold.toldSubject ?? "nothing"),
          ],
          ["Kept back", keptBack.length === 0 ? "nothing" : plural(keptBack.length, "deletion")],
          ["Disclosed", disclosures.length === 0 ? "nothing" : plural(disclosures.length, "time")],
          ["Notes", shown.notes === null ? "–" : printable(shown.notes)],
        ]);
        if (keptBack.length > 0) {
          terminal.line();
          terminal.table(
            [{ title: "Kept back" }, { title: "Id" }, { title: "Asked for", paint: terminal.style.dim }],
            keptBack.map(({ kind, id, requestedAt }) => [hyphened(kind), id, minutesOf(requestedAt)]),
          );
        }
        if (disclosures.length > 0) {
          terminal.line();
          terminal.table(
            [
              { title: "Disclosed", paint: terminal.style.dim },
              { title: "To" },
              { title: "What" },
              { title: "By" },
              { title: "Size", align: "right" },
              { title: "SHA-256 of the manifest" },
            ],
            disclosures.map((one) => [
              minutesOf(one.createdAt),
              printableLine(one.recipient),
              one.categories.map(hyphened).join(", "),
              one.createdBy,
              one.bytes === null ? "broken off" : formatBytes(one.bytes),
              one.manifestSha256 ?? "–",
            ]),
          );
        }
      },
    };
  },
});
