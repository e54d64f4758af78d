import type { AuditEntry } from "@aerostack/contracts";
import { toIso } from "../kernel/page.ts";
import type { ChainedEntryRow } from "./store.ts";

/** An entry as the interface shows it. */
export function showEntry(row: ChainedEntryRow): AuditEntry {
  return {
    id: row.id,
    time: toIso(row.time),
    actor: { kind: row.actor_kind as AuditEntry["actor"]["kind"], id: row.actor_id, credentialId: row.credential_id },
    action: row.action,
    target: { kind: row.target_kind, id: row.target_id },
    projectId: row.project_id,
    organisationId: row.organisation_id,
    ip: row.ip,
    region: row.region,
    userAgent: row.user_agent,
    requestId: row.request_id,
    before: parse(row.before),
    after: parse(row.after),
    chain: row.seq === null || row.hash === null ? null : { seq: row.seq, hash: row.hash },
  };
}

function parse(json: string | null): AuditEntry["before"] {
  return json === null ? null : JSON.parse(json);
}
