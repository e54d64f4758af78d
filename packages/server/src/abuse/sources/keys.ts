import type { AuditLog } from "../../audit/create-audit.ts";
import type { RefusedUses } from "../../keys/refused-uses.ts";
import { auditEvidence, logEvidence } from "../evidence.ts";
import { type Finding, type FindingSource, severityOf } from "../finding.ts";

const MAX_REVOKED = 500;
const MAX_REFUSALS = 1_000;
const MEDIUM = 10;
const HIGH = 1_000;

/** Keys that somebody found in public, and good keys that were used from where they may not be. */
export function createKeySource(audit: Pick<AuditLog, "list">, refusals: RefusedUses): FindingSource {
  async function leaked(sinceMs: number, projectId: string | null): Promise<Finding[]> {
    const filter = { action: "key.revoked", fromMs: sinceMs, ...(projectId === null ? {} : { projectId }) };
    const { items } = await audit.list(filter, { limit: MAX_REVOKED });
    return items.flatMap((entry): Finding[] => {
      const after = (entry.after ?? {}) as { readonly reason?: string; readonly reporter?: string };
      if (after.reason !== "leaked" || entry.target.id === null) return [];
      const at = Date.parse(entry.time);
      return [
        {
          kind: "key_leaked",
          severity: "high",
          subject: { kind: "key", id: entry.target.id },
          projectId: entry.projectId,
          count: 1,
          firstAtMs: at,
          lastAtMs: at,
          summary: `Found by ${after.reporter ?? "somebody"} and revoked`,
          evidence: [auditEvidence({ target: entry.target.id, sinceMs })],
        },
      ];
    });
  }

  async function refused(sinceMs: number, projectId: string | null): Promise<Finding[]> {
    await refusals.flush();
    const rows = await refusals.list({ projectId, sinceMs, limit: MAX_REFUSALS });
    return [...Map.groupBy(rows, ({ key_id }) => key_id)].map(([id, own]): Finding => {
      const count = own.reduce((sum, row) => sum + row.count, 0);
      const firstAtMs = Math.min(...own.map((row) => row.first_at));
      const lastAtMs = Math.max(...own.map((row) => row.last_at));
      const project = own[0]?.project_id ?? null;
      const addresses = [...new Set(own.map(({ ip }) => ip))].filter((ip) => ip !== "");
      return {
        kind: "key_refused",
        severity: severityOf(count, MEDIUM, HIGH),
        subject: { kind: "key", id },
        projectId: project,
        count,
        firstAtMs,
        lastAtMs,
        summary: `Used ${count} times from ${addresses.length === 1 ? "an address" : `${addresses.length} addresses`} that it may not be used from`,
        examples: addresses,
        evidence:
          project === null
            ? [auditEvidence({ target: id, sinceMs: firstAtMs })]
            : [logEvidence(project, { status: "403", sinceMs: firstAtMs, untilMs: lastAtMs })],
      };
    });
  }

  return async ({ sinceMs, projectId }) => [
    ...(await leaked(sinceMs, projectId)),
    ...(await refused(sinceMs, projectId)),
  ];
}
