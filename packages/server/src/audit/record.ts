import { type Clock, createId } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import { currentCallContext, SYSTEM } from "../kernel/call-context.ts";
import { type Sql, toStorableText } from "../kernel/sql/index.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { NewAuditEntry } from "./entry.ts";
import { maskText, type SecretMask } from "./mask-secrets.ts";
import type { AuditEntryRow, AuditTables } from "./tables.ts";

/**
 * Writes down who did what to what. The entry belongs to the transaction of the change: both stay or neither. It costs
 * that transaction one insert and no lock; the chain is made afterwards (`chain.ts`).
 */
export interface Audit {
  /** @param trx the transaction of the change; null where there is none, after the change was made. */
  record<Tables>(trx: Kysely<Tables> | null, entry: NewAuditEntry): Promise<void>;
}

/** A JSON text longer than this is replaced by its length: the log tells what happened, and is no backup. */
const MAX_JSON_CHARACTERS = 16_384;
const MAX_TEXT_CHARACTERS = 512;

export interface AuditRecorderOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly mask: SecretMask;
  /** An entry was written and waits for the chain; its transaction may still fail. */
  readonly onEntry?: () => void;
}

export function createAuditRecorder({ sql: untyped, clock, mask, onEntry }: AuditRecorderOptions): Audit {
  const sql = untyped.withTables<AuditTables>();

  function toJson(value: unknown): string | null {
    if (value === undefined || value === null) return null;
    const json = toStorableText(canonicalJson(mask(value)));
    return json.length > MAX_JSON_CHARACTERS ? canonicalJson({ omittedCharacters: json.length }) : json;
  }

  return {
    async record(trx, entry) {
      const context = currentCallContext();
      const now = clock.now();
      const actor = entry.actor ?? context?.actor ?? SYSTEM;
      const row: AuditEntryRow = {
        id: createId("aud", now),
        time: now,
        actor_kind: actor.kind,
        actor_id: toText(actor.id),
        credential_id: toText(actor.credentialId),
        action: entry.action,
        target_kind: entry.target.kind,
        target_id: toText(entry.target.id),
        project_id: entry.projectId === undefined ? (context?.place?.projectId ?? null) : entry.projectId,
        organisation_id:
          entry.organisationId === undefined ? (context?.place?.organisationId ?? null) : entry.organisationId,
        ip: toText(entry.ip === undefined ? context?.ip : entry.ip),
        region: toText(entry.region === undefined ? context?.region : entry.region),
        user_agent: toText(entry.userAgent === undefined ? context?.userAgent : entry.userAgent),
        request_id: toText(entry.requestId === undefined ? context?.requestId : entry.requestId),
        before: toJson(entry.before),
        after: toJson(entry.after),
      };
      const db = trx === null ? sql.db : (trx.withTables<AuditTables>() as unknown as Kysely<AuditTables>);
      await db.insertInto("audit_entries").values(row).execute();
      context?.recordedActions.push(entry.action);
      onEntry?.();
    },
  };
}

function toText(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : toStorableText(maskText(text).slice(0, MAX_TEXT_CHARACTERS));
}

/** For tests and parts that run without an audit log. */
export const NO_AUDIT: Audit = { record: async () => {} };
