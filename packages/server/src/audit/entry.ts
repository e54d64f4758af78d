import type { Actor } from "../kernel/call-context.ts";

export interface AuditTarget {
  /** Such as `project`, `key`, `account`, `function`. */
  readonly kind: string;
  readonly id: string | null;
}

/** What a capability tells the audit log about one change. Who, from where and which request are known from the call. */
export interface NewAuditEntry {
  /** `<thing>.<past verb>`: `key.revoked`. */
  readonly action: string;
  readonly target: AuditTarget;
  /** By default what the address of the request names. */
  readonly projectId?: string | null | undefined;
  readonly organisationId?: string | null | undefined;
  /** What was changed, before and after; secrets in it are masked. JSON. */
  readonly before?: unknown;
  readonly after?: unknown;
  /** By default the caller of the request that runs; the platform itself where none does. */
  readonly actor?: Actor | undefined;
  readonly requestId?: string | null | undefined;
  readonly ip?: string | null | undefined;
  readonly region?: string | null | undefined;
  readonly userAgent?: string | null | undefined;
}
