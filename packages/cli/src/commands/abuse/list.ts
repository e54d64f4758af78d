import { ABUSE_KINDS, type AbuseFinding, listAbuseResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice, flag, text } from "../../command/option.ts";
import { parseMoment } from "../../logs/parse-moment.ts";
import { printableLine } from "../../output/printable.ts";
import type { Style } from "../../output/style.ts";
import { hyphened, kindOf } from "../hyphened.ts";
import { renderPage } from "../list-page.ts";
import { minutesOf } from "../minutes-of.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const abuseListCommand = defineCommand({
  name: "list",
  summary: "List what looks like abuse, the gravest first",
  details: [
    "Suspicious sign-ups, spikes, locks, attacks, keys that leaked or were used from elsewhere, and who is blocked: of the project, or with --installation of everything, for its admins. With --json every finding also has examples and where the evidence can be read.",
  ],
  options: {
    installation: flag("Everything of the installation; for its admins"),
    kind: choice("kind", "Only findings of this kind", ABUSE_KINDS.map(hyphened), undefined),
    since: text("time", "How far to look back: 2h, 7d, or a time; by default 1d, at most 7d"),
    limit: limitOption,
    cursor: cursorOption,
  },
  examples: [
    { command: "aerostack abuse list --installation", explanation: "What an operator looks at in the morning" },
    { command: "aerostack abuse list --kind firewall --since 7d", explanation: "Attacks on this project" },
  ],
  async run(context, { options: { installation, kind, since, limit, cursor } }) {
    const path = installation ? apiPath("admin", "abuse") : apiPath("projects", (await context.project()).id, "abuse");
    const query = {
      kind: kind === undefined ? undefined : kindOf(kind, ABUSE_KINDS),
      since: since === undefined ? undefined : parseMoment(since, "--since", context.surroundings.now()),
      limit,
      cursor,
    };
    const api = await context.api();
    const answer = await api.call("GET", path, listAbuseResponseSchema, { query });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Severity", paint: (text) => paintSeverity(terminal.style, text) },
            { title: "Kind", paint: terminal.style.accent },
            { title: "Who" },
            ...(installation ? [{ title: "Project" }] : []),
            { title: "Last", paint: terminal.style.dim },
            { title: "What" },
          ],
          rows: answer.findings.map((finding) => [
            finding.severity,
            hyphened(finding.kind),
            printableLine(finding.subject.id),
            ...(installation ? [finding.projectId ?? "–"] : []),
            minutesOf(finding.lastAt),
            summaryOf(finding),
          ]),
          empty: "Nothing looks like abuse.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});

function paintSeverity(style: Style, text: string): string {
  if (text.startsWith("high")) return style.danger(text);
  return text.startsWith("medium") ? style.warning(text) : style.dim(text);
}

/** Whoever is blocked already is not blocked again. */
function summaryOf({ kind, summary, block }: AbuseFinding): string {
  return printableLine(summary) + (block === null || kind === "blocked" ? "" : ` (blocked: ${block})`);
}
