import type { AbuseSubjectKind } from "@aerostack/contracts";
import { createId, createUuid } from "@aerostack/kernel";
import { isLoopbackHost } from "../../kernel/config.ts";
import { limitKeyOfAddress } from "../../kernel/limiter/address-key.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { emailPattern } from "../email-pattern.ts";
import { auditEvidence } from "../evidence.ts";
import { type Finding, type FindingSource, severityOf } from "../finding.ts";

/** As far as sign-ups are looked at. */
interface SignUpTables {
  accounts: { id: string; email: string; created_at: number };
  sessions: { account_id: string; created_at: number; ip: string | null };
  end_users: { id: string; project_id: string; email: string | null; created_at: number };
  end_user_sessions: { user_id: string; created_at: number; ip: string | null };
}

interface SignUp {
  readonly id: string;
  readonly email: string | null;
  readonly createdAtMs: number;
  readonly ip: string | null;
}

/** The newest of a window: of a flood of sign-ups these are enough to see it. */
const MAX_SIGN_UPS = 5_000;
/** A session that is opened later is none of the sign-up. */
const SIGN_UP_TAKES_MS = 60_000;
/** Whole offices and schools share an address, and an application's users are more than the platform's. */
const FLOORS = {
  account: { network: { medium: 5, high: 20 }, pattern: { medium: 5, high: 20 } },
  end_user: { network: { medium: 10, high: 50 }, pattern: { medium: 10, high: 50 } },
} as const;
const WHAT = { account: "accounts", end_user: "users" } as const;

/** Many accounts, or users of one project, that came from one network or have addresses of one pattern. */
export function createSignUpSource(untyped: Sql<unknown>): FindingSource {
  const { db } = untyped.withTables<SignUpTables>();

  async function accountsSince(sinceMs: number): Promise<SignUp[]> {
    const rows = await db
      .selectFrom("accounts as account")
      .leftJoin("sessions as session", (join) =>
        join
          .onRef("session.account_id", "=", "account.id")
          .on((eb) => eb(eb("session.created_at", "-", eb.ref("account.created_at")), "<=", SIGN_UP_TAKES_MS)),
      )
      .select(["account.id", "account.email", "account.created_at", "session.ip"])
      // Ids begin with their time.
      .where("account.id", ">=", createId("usr", sinceMs).slice(0, "usr_".length + 10))
      .orderBy("account.id", "desc")
      .limit(MAX_SIGN_UPS)
      .execute();
    return rows.map((row) => ({ id: row.id, email: row.email, createdAtMs: row.created_at, ip: row.ip }));
  }

  async function usersSince(sinceMs: number, projectId: string | null): Promise<Map<string, SignUp[]>> {
    let query = db
      .selectFrom("end_users as user")
      .leftJoin("end_user_sessions as session", (join) =>
        join
          .onRef("session.user_id", "=", "user.id")
          .on((eb) => eb(eb("session.created_at", "-", eb.ref("user.created_at")), "<=", SIGN_UP_TAKES_MS)),
      )
      .select(["user.id", "user.project_id", "user.email", "user.created_at", "session.ip"])
      .where("user.id", ">=", `${createUuid(sinceMs).slice(0, "00000000-0000".length)}-0000-0000-000000000000`);
    if (projectId !== null) query = query.where("user.project_id", "=", projectId);
    const rows = await query.orderBy("user.id", "desc").limit(MAX_SIGN_UPS).execute();
    const byProject = Map.groupBy(rows, (row) => row.project_id);
    return new Map(
      [...byProject].map(([id, own]) => [
        id,
        own.map((row) => ({ id: row.id, email: row.email, createdAtMs: row.created_at, ip: row.ip })),
      ]),
    );
  }

  function group(kind: "account" | "end_user", all: readonly SignUp[], projectId: string | null): Finding[] {
    // Somebody who logged in twice within the minute signed up once.
    const signUps = [...new Map(all.map((one) => [one.id, one])).values()];
    const findings: Finding[] = [];
    const add = (subject: AbuseSubjectKind, id: string, own: readonly SignUp[], by: "network" | "pattern") => {
      const { medium, high } = FLOORS[kind][by];
      if (own.length < medium) return;
      const times = own.map(({ createdAtMs }) => createdAtMs);
      const firstAtMs = Math.min(...times);
      findings.push({
        kind: "sign_ups",
        severity: severityOf(own.length, medium, high),
        subject: { kind: subject, id },
        projectId,
        variant: kind,
        count: own.length,
        firstAtMs,
        lastAtMs: Math.max(...times),
        summary:
          by === "network"
            ? `${own.length} ${WHAT[kind]} were made from one network`
            : `${own.length} ${WHAT[kind]} have addresses of one pattern`,
        examples: own.map((one) => one.id),
        evidence:
          projectId === null
            ? [auditEvidence({ action: "session.opened", sinceMs: firstAtMs })]
            : [{ what: "users of the project", href: `/api/v1/projects/${projectId}/auth/users` }],
      });
    };
    for (const [network, own] of Map.groupBy(signUps, ({ ip }) => networkOf(ip))) {
      if (network !== null) add("network", network, own, "network");
    }
    for (const [pattern, own] of Map.groupBy(signUps, ({ email }) => emailPattern(email))) {
      if (pattern !== null) add("email_pattern", pattern, own, "pattern");
    }
    return findings;
  }

  return async ({ sinceMs, projectId }) => [
    ...(projectId === null ? group("account", await accountsSince(sinceMs), null) : []),
    ...[...(await usersSince(sinceMs, projectId))].flatMap(([id, own]) => group("end_user", own, id)),
  ];
}

/** As a block takes it. This machine is everybody who comes through a proxy that is not trusted, and is never blocked. */
function networkOf(ip: string | null): string | null {
  if (ip === null || ip === "" || isLoopbackHost(ip)) return null;
  const key = limitKeyOfAddress(ip);
  return key.includes("/") ? key : `${key}/32`;
}
