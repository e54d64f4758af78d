import type { AbuseFinding, AbuseKind, AbuseSeverity, AbuseSubjectKind } from "@aerostack/contracts";
import { toIso } from "../kernel/page.ts";

/** What findings are asked for. */
export interface FindingQuery {
  /** Null: of the whole installation. */
  readonly projectId: string | null;
  readonly sinceMs: number;
  readonly nowMs: number;
}

/** A finding as its source tells it; who else is blocked is looked up afterwards. */
export interface Finding {
  readonly kind: AbuseKind;
  readonly severity: AbuseSeverity;
  readonly subject: { readonly kind: AbuseSubjectKind; readonly id: string };
  readonly projectId: string | null;
  /** Sets findings of one kind and subject apart. */
  readonly variant?: string;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly summary: string;
  readonly examples?: readonly string[];
  readonly evidence: readonly { readonly what: string; readonly href: string }[];
}

/** Works findings of one kind out of what is stored. Each has a bound on what it reads. */
export type FindingSource = (query: FindingQuery) => Promise<readonly Finding[]>;

export const MAX_EXAMPLES = 20;
export const SEVERITY_RANK: Readonly<Record<AbuseSeverity, number>> = { high: 2, medium: 1, low: 0 };

export function idOf({ kind, subject, projectId, variant = "" }: Finding): string {
  return [kind, subject.kind, subject.id, projectId ?? "", variant].join("|");
}

export function showFinding(finding: Finding, block: string | null): AbuseFinding {
  return {
    id: idOf(finding),
    kind: finding.kind,
    severity: finding.severity,
    subject: finding.subject,
    projectId: finding.projectId,
    count: finding.count,
    firstAt: toIso(finding.firstAtMs),
    lastAt: toIso(finding.lastAtMs),
    summary: finding.summary,
    examples: [...(finding.examples ?? [])].slice(0, MAX_EXAMPLES),
    evidence: [...finding.evidence],
    block,
  };
}

/** `high` from the second number on, `medium` from the first. */
export function severityOf(count: number, medium: number, high: number): AbuseSeverity {
  if (count >= high) return "high";
  return count >= medium ? "medium" : "low";
}
