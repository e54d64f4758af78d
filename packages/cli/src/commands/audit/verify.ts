import { type AuditVerification, auditVerificationSchema } from "@aerostack/contracts";
import { apiPath } from "../../api/api-client.ts";
import { usageError } from "../../command/cli-error.ts";
import { defineCommand } from "../../command/define-command.ts";
import { text } from "../../command/option.ts";
import { plural } from "../../output/format.ts";

/** A long log is read whole. */
const VERIFY_TIMEOUT_MS = 30 * 60_000;

const FAULTS: Readonly<Record<NonNullable<AuditVerification["broken"]>["fault"], string>> = {
  entry_missing: "the entry was removed",
  entry_changed: "the entry was changed",
  link_missing: "a link of the chain was removed",
  checkpoint_broken: "it is not what was signed or noted down before",
  head_broken: "the chain's end is not signed by this installation",
  truncated: "entries were removed from the end",
  entry_not_chained: "an entry was written past the chain",
};

export const auditVerifyCommand = defineCommand({
  name: "verify",
  summary: "Verify that nobody changed the audit log",
  details: [
    "Computes the chain of the whole installation anew; for its admins. It prints the chain's end: note it down elsewhere and hand it to --known next time, and nobody can exchange the whole log either.",
    "Ends with 1 where the log was changed.",
  ],
  options: { known: text("seq:hash", "An end of the chain that a verification printed before") },
  examples: [{ command: "aerostack audit verify", explanation: "Against the stored hashes and signed checkpoints" }],
  async run(context, { options: { known } }) {
    const query = known === undefined ? {} : parseKnown(known);
    const api = await context.api();
    const result = await context.terminal.step(
      "Verifying the audit log",
      () =>
        api.call("GET", apiPath("admin", "audit", "verify"), auditVerificationSchema, {
          query,
          timeoutMs: VERIFY_TIMEOUT_MS,
        }),
      ({ entries, checkpoints }) =>
        `Read ${plural(entries, "entry", "entries")} and ${plural(checkpoints, "signed checkpoint")}`,
    );
    const { broken } = result;
    return {
      data: result,
      exit: result.valid ? "ok" : "failed",
      render(terminal) {
        if (broken === null) terminal.success("Nobody changed the audit log. Its end, to be noted down elsewhere:");
        else terminal.failure(`The audit log was changed: ${describe(broken)}. It is in order up to:`);
        terminal.line(`${result.seq}:${result.hash}`);
      },
    };
  },
});

function describe({ seq, entryId, fault }: NonNullable<AuditVerification["broken"]>): string {
  const place = [seq === null ? null : `at ${seq}`, entryId].filter((part) => part !== null).join(", ");
  return place === "" ? FAULTS[fault] : `${FAULTS[fault]} (${place})`;
}

function parseKnown(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq === undefined || hash === undefined) {
    throw usageError(`--known is '${text}'; give what a verification printed: a number, a colon and 64 characters.`);
  }
  return { seq: Number(seq), hash };
}
