import type { AuditLog } from "../../audit/create-audit.ts";
import { OTP_ATTEMPTS, OTP_LOCK_MS } from "../../identity/attempt-lock.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { auditEvidence } from "../evidence.ts";
import { type Finding, type FindingSource, severityOf } from "../finding.ts";

interface Lockable {
  user_id: string;
  locked_until: number;
}

/** As far as locks are looked at. */
interface LockTables {
  account_login_failures: { account_id: string; hour: number; failures: number };
  account_totp: Lockable;
  account_known_networks: Lockable;
  account_codes: { target: string; locked_until: number };
  end_users: { id: string; project_id: string };
  end_user_totp: Lockable;
  end_user_known_networks: Lockable;
  end_user_otps: { project_id: string; target: string; locked_until: number };
}

/** Of each table: what is locked most is enough to act on. */
const MAX_LOCKS = 200;
const MAX_FAILURES = 500;
/** Wrong passwords in an hour at which log-in is refused for a while: see the limits of log-ins. */
const MEDIUM_FAILURES = 5;
const HIGH_FAILURES = 50;
const HOUR_MS = 60 * 60_000;

/** Passwords and codes that somebody guessed at until no more guesses were taken. */
export function createLockOutSource(untyped: Sql<unknown>, audit: Pick<AuditLog, "list">): FindingSource {
  const { db } = untyped.withTables<LockTables>();

  async function wrongPasswords(sinceMs: number, nowMs: number): Promise<Finding[]> {
    const hours = await db
      .selectFrom("account_login_failures")
      .selectAll()
      .where("hour", ">=", sinceMs - HOUR_MS)
      .orderBy("hour", "desc")
      .limit(MAX_FAILURES)
      .execute();
    const seen = hours.map(({ account_id, hour, failures }) => ({ accountId: account_id, hourMs: hour, failures }));
    // Hours that have ended stand in the audit log.
    const { items } = await audit.list({ action: "session.log_in_failed", fromMs: sinceMs }, { limit: MAX_FAILURES });
    for (const { target, after } of items) {
      const { failures, hour } = (after ?? {}) as { readonly failures?: number; readonly hour?: string };
      if (target.id !== null && failures !== undefined && hour !== undefined) {
        seen.push({ accountId: target.id, hourMs: Date.parse(hour), failures });
      }
    }
    return [...Map.groupBy(seen, ({ accountId }) => accountId)].flatMap(([accountId, own]): Finding[] => {
      const most = Math.max(...own.map(({ failures }) => failures));
      if (most < MEDIUM_FAILURES) return [];
      const count = own.reduce((sum, { failures }) => sum + failures, 0);
      const times = own.map(({ hourMs }) => hourMs);
      return [
        {
          kind: "lock_out",
          severity: severityOf(count, MEDIUM_FAILURES, HIGH_FAILURES),
          subject: { kind: "account", id: accountId },
          projectId: null,
          variant: "password",
          count,
          firstAtMs: Math.min(...times),
          // Only the hour is known.
          lastAtMs: Math.min(Math.max(...times) + HOUR_MS - 1, nowMs),
          summary: `${count} wrong passwords, ${most} of them within one hour`,
          evidence: [auditEvidence({ target: accountId, action: "session.*", sinceMs })],
        },
      ];
    });
  }

  /** A lock that began since then lasts until an hour later. */
  async function accountCodes(sinceMs: number): Promise<Finding[]> {
    const locked: { readonly id: string; readonly untilMs: number }[] = [];
    for (const table of ["account_totp", "account_known_networks"] as const) {
      const rows = await db
        .selectFrom(table)
        .select(["user_id", "locked_until"])
        .where("locked_until", ">=", sinceMs + OTP_LOCK_MS)
        .limit(MAX_LOCKS)
        .execute();
      locked.push(...rows.map((row) => ({ id: row.user_id, untilMs: row.locked_until })));
    }
    const second = ofLocks(locked, "account", null, (id) => [
      auditEvidence({ target: id, action: "session.*", sinceMs }),
    ]);
    const mailed = await db
      .selectFrom("account_codes")
      .select("locked_until")
      .where("locked_until", ">=", sinceMs + OTP_LOCK_MS)
      .limit(MAX_LOCKS)
      .execute();
    if (mailed.length === 0) return second;
    return [
      ...second,
      {
        ...lockOf(mailed.map(({ locked_until }) => locked_until)),
        // Addresses that codes go to are kept as HMACs: which accounts it is cannot be told.
        subject: { kind: "installation", id: "accounts" },
        projectId: null,
        variant: "codes",
        summary: `Codes by mail to ${mailed.length} addresses were guessed at until they were locked`,
        evidence: [],
      },
    ];
  }

  async function userCodes(sinceMs: number, projectId: string | null): Promise<Finding[]> {
    const locked: { readonly id: string; readonly projectId: string; readonly untilMs: number }[] = [];
    for (const table of ["end_user_totp", "end_user_known_networks"] as const) {
      let query = db
        .selectFrom(`${table} as lock`)
        .innerJoin("end_users as user", "user.id", "lock.user_id")
        .select(["user.id", "user.project_id", "lock.locked_until"])
        .where("lock.locked_until", ">=", sinceMs + OTP_LOCK_MS);
      if (projectId !== null) query = query.where("user.project_id", "=", projectId);
      const rows = await query.limit(MAX_LOCKS).execute();
      locked.push(...rows.map((row) => ({ id: row.id, projectId: row.project_id, untilMs: row.locked_until })));
    }
    const second = [...Map.groupBy(locked, (one) => one.projectId)].flatMap(([id, own]) =>
      ofLocks(own, "end_user", id, (userId) => [
        { what: "the user", href: `/api/v1/projects/${id}/auth/users/${userId}` },
      ]),
    );
    let query = db
      .selectFrom("end_user_otps")
      .select(["project_id", "locked_until"])
      .where("locked_until", ">=", sinceMs + OTP_LOCK_MS);
    if (projectId !== null) query = query.where("project_id", "=", projectId);
    const sent = await query.limit(MAX_LOCKS).execute();
    // Whom they were sent to is kept as an HMAC: the project is what can be named.
    const ofProjects = [...Map.groupBy(sent, ({ project_id }) => project_id)].map(([id, own]): Finding => {
      const lock = lockOf(own.map(({ locked_until }) => locked_until));
      return {
        ...lock,
        subject: { kind: "project", id },
        projectId: id,
        variant: "codes",
        severity: severityOf(own.length, 5, 50),
        summary: `Codes to ${own.length} addresses or numbers were guessed at until they were locked`,
        evidence: [],
      };
    });
    return [...second, ...ofProjects];
  }

  return async ({ sinceMs, nowMs, projectId }) => [
    ...(projectId === null ? await wrongPasswords(sinceMs, nowMs) : []),
    ...(projectId === null ? await accountCodes(sinceMs) : []),
    ...(await userCodes(sinceMs, projectId)),
  ];
}

function lockOf(untilMs: readonly number[]) {
  const began = untilMs.map((ms) => ms - OTP_LOCK_MS);
  return {
    kind: "lock_out",
    severity: "medium",
    count: untilMs.length,
    firstAtMs: Math.min(...began),
    lastAtMs: Math.max(...began),
    summary: `After ${OTP_ATTEMPTS} wrong codes no code is taken for an hour`,
  } as const;
}

function ofLocks(
  locked: readonly { readonly id: string; readonly untilMs: number }[],
  kind: "account" | "end_user",
  projectId: string | null,
  evidence: (id: string) => Finding["evidence"],
): Finding[] {
  return [...Map.groupBy(locked, ({ id }) => id)].map(([id, own]) => ({
    ...lockOf(own.map(({ untilMs }) => untilMs)),
    subject: { kind, id },
    projectId,
    variant: "second-factor",
    evidence: evidence(id),
  }));
}
