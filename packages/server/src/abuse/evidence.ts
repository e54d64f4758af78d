import type { Finding } from "./finding.ts";

type Evidence = Finding["evidence"][number];

function href(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, value);
  return search.size === 0 ? path : `${path}?${search}`;
}

/** A project's log, as its people and the operators read it. */
export function logEvidence(
  projectId: string,
  query: { readonly ip?: string; readonly status?: string; readonly sinceMs: number; readonly untilMs: number },
): Evidence {
  const { ip, status, sinceMs, untilMs } = query;
  const since = new Date(sinceMs).toISOString();
  const until = new Date(untilMs + 1).toISOString();
  const path = `/api/v1/projects/${projectId}/logs`;
  return { what: "requests in the log", href: href(path, { kind: "request", ip, status, since, until }) };
}

/** The audit log of the installation. */
export function auditEvidence(query: {
  readonly target?: string;
  readonly action?: string;
  readonly sinceMs: number;
}): Evidence {
  const { target, action, sinceMs } = query;
  const from = new Date(sinceMs).toISOString();
  return { what: "entries of the audit log", href: href("/api/v1/admin/audit", { target, action, from }) };
}
