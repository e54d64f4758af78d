import { BLOCK_KINDS, blockResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { required } from "../../command/argument.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { flag, text } from "../../command/option.ts";
import { printableLine } from "../../output/printable.ts";
import { hyphened, kindOf } from "../hyphened.ts";
import { dryRunOption } from "../shared-options.ts";
import { parseEnd } from "./parse-end.ts";

export const abuseBlockCommand = defineCommand({
  name: "block",
  summary: "Keep an address, account, user, project, organisation or key out",
  details: [
    "For the installation's admins. In force on every server within a second: whoever is blocked is answered BLOCKED, and what they have open ends. An account, and the owners of a project or organisation, are told by mail, with how to object.",
    "The reason is for the operators and the audit log. With --public, whoever is blocked reads it too.",
  ],
  arguments: {
    kind: required(`What is blocked: ${BLOCK_KINDS.map(hyphened).join(", ")}`),
    subject: required("Its id; an account's e-mail address, a project's slug; an address or network"),
  },
  options: {
    reason: text("text", "Why; needed"),
    public: flag("Let whoever is blocked read the reason"),
    until: text("time", "When it ends by itself: 2h, 7d, or 2026-01-31T09:00:00Z; without it, when it is lifted"),
    dryRun: dryRunOption,
  },
  examples: [
    {
      command: 'aerostack abuse block network 192.0.2.0/24 --reason "Guesses passwords" --until 7d',
      explanation: "Nobody of this network is answered for a week",
    },
    {
      command: 'aerostack abuse block project shop --reason "Sends spam" --public',
      explanation: "Its owners read why, and how to object",
    },
  ],
  async run(context, { args, options }) {
    const kind = kindOf(args.kind, BLOCK_KINDS);
    const { reason } = options;
    if (reason === undefined) throw usageError("Say why with --reason: it stands in the audit log.");
    const endsAt =
      options.until === undefined ? undefined : parseEnd(options.until, "--until", context.surroundings.now());
    const what = `${hyphened(kind)} ${printableLine(args.subject)}`;
    if (options.dryRun) {
      return {
        data: { dryRun: true, kind, subject: args.subject, endsAt: endsAt ?? null },
        render: (terminal) =>
          terminal.line(`Would block ${what} ${endsAt === undefined ? "until it is lifted" : `until ${endsAt}`}.`),
      };
    }
    await context.confirm(`Block ${what}?`);
    const api = await context.api();
    const answer = await context.terminal.step(
      `Blocking ${what}`,
      () =>
        api.call("POST", apiPath("admin", "blocks"), blockResponseSchema, {
          json: {
            kind,
            subject: args.subject,
            reason,
            isReasonPublic: options.public,
            ...(endsAt === undefined ? {} : { endsAt }),
          },
        }),
      ({ block }) => `Blocked ${what} ${block.endsAt === null ? "until it is lifted" : `until ${block.endsAt}`}`,
    );
    return { data: answer, render: (terminal) => terminal.line(answer.block.id) };
  },
});
