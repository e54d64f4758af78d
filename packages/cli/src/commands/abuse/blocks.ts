import { BLOCK_KINDS, type Block, listBlocksResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { defineCommand } from "../../command/define-command.ts";
import { choice, flag, text } from "../../command/option.ts";
import { printableLine } from "../../output/printable.ts";
import { hyphened, kindOf } from "../hyphened.ts";
import { renderPage } from "../list-page.ts";
import { minutesOf } from "../minutes-of.ts";
import { cursorOption, limitOption } from "../shared-options.ts";

export const abuseBlocksCommand = defineCommand({
  name: "blocks",
  summary: "List who is kept out, newest first",
  details: ["For the installation's admins. With --all those that are over as well, and what became of them."],
  options: {
    kind: choice("kind", "Only blocks of this kind", BLOCK_KINDS.map(hyphened), undefined),
    subject: text("id", "Only blocks of this id or network"),
    all: flag("Those that have ended or were lifted, too"),
    limit: limitOption,
    cursor: cursorOption,
  },
  examples: [
    { command: "aerostack abuse blocks", explanation: "Who is kept out now" },
    { command: "aerostack abuse blocks --all --subject prj_01k", explanation: "The history of one project" },
  ],
  async run(context, { options: { kind, subject, all, limit, cursor } }) {
    const api = await context.api();
    const query = {
      kind: kind === undefined ? undefined : kindOf(kind, BLOCK_KINDS),
      subject,
      state: all ? undefined : "in_force",
      limit,
      cursor,
    };
    const answer = await api.call("GET", apiPath("admin", "blocks"), listBlocksResponseSchema, { query });
    return {
      data: answer,
      render: (terminal) =>
        renderPage(terminal, {
          columns: [
            { title: "Block", paint: terminal.style.accent },
            { title: "Kind" },
            { title: "Who" },
            { title: "Since", paint: terminal.style.dim },
            { title: all ? "Became" : "Until" },
            { title: "Reason" },
          ],
          rows: answer.blocks.map((block) => [
            block.id,
            hyphened(block.kind),
            printableLine(block.subject),
            minutesOf(block.createdAt),
            all ? becameOf(block) : endOf(block),
            printableLine(block.reason) + (block.isReasonPublic ? " (public)" : ""),
          ]),
          empty: all ? "Nobody was ever blocked." : "Nobody is blocked.",
          nextCursor: answer.nextCursor,
        }),
    };
  },
});

function endOf({ endsAt }: Block): string {
  return endsAt === null ? "no end" : minutesOf(endsAt);
}

function becameOf(block: Block): string {
  if (block.state === "in_force") return block.endsAt === null ? "in force" : `in force until ${endOf(block)}`;
  if (block.state === "ended") return `ended ${endOf(block)}`;
  return `lifted ${minutesOf(block.liftedAt ?? "")}: ${printableLine(block.liftReason ?? "")}`;
}
