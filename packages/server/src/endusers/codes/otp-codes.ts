import type { Clock } from "@aerostack/kernel";
import type { AttemptOrigin } from "../../identity/known-networks.ts";
import { createOneTimeCodes, type OtpTarget } from "../../identity/one-time-codes.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserTables } from "../tables.ts";

/** One-time codes of a project's users: see `OneTimeCodes`. */
export interface OtpCodes {
  /** The new code; it replaces the one before. @throws RATE_LIMIT_EXCEEDED while the target is locked */
  create(projectId: string, target: OtpTarget, origin: AttemptOrigin): Promise<string>;
  /** Resolves when the code is right; it is used up. @throws AUTH_OTP_INVALID · AUTH_OTP_EXPIRED · RATE_LIMIT_EXCEEDED */
  verify(projectId: string, target: OtpTarget, code: string, origin: AttemptOrigin): Promise<void>;
  removeExpired(): Promise<void>;
}

export interface OtpCodesOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

export function createOtpCodes({ sql, clock, key }: OtpCodesOptions): OtpCodes {
  const codes = createOneTimeCodes({ sql: sql.withTables<unknown>(), clock, key, table: "end_user_otps" });
  const realmOf = (projectId: string) => ({ project_id: projectId });
  return {
    create: (projectId, target, origin) => codes.create(realmOf(projectId), target, origin),
    verify: (projectId, target, code, origin) => codes.verify(realmOf(projectId), target, code, origin),
    removeExpired: codes.removeExpired,
  };
}
