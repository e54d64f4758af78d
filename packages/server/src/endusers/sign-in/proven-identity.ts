import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import { isUniqueViolation, type Sql } from "../../kernel/sql/index.ts";
import type { EndUserHooks } from "../hooks/hooks.ts";
import { type EndUserCaller, userSubject } from "../sessions/sessions.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { showEndUser } from "../show-user.ts";
import type { EndUserTables } from "../tables.ts";
import { forgetWaysIn } from "../users/forget-ways-in.ts";
import { newEndUser } from "../users/new-user.ts";
import { type EndUserRow, endUserStore } from "../users/store.ts";
import { requireAge, requireOpenSignUp } from "./sign-up-rules.ts";

/** What somebody has just proven to be theirs, by a code, a link or another provider. */
export type Proof = { readonly email: string } | { readonly phone: string };

export interface ProvenIdentities {
  /**
   * The user whose address or number was proven; a new one where there is none.
   *
   * @throws FORBIDDEN when a new one is not taken · VALIDATION_ERROR when their age is not told
   */
  userOf(projectId: string, proof: Proof, newcomer: Newcomer): Promise<EndUserRow>;
  find(projectId: string, proof: Proof): Promise<EndUserRow | undefined>;
}

export interface Newcomer {
  /** How they came, as hooks are told: `otp`, `magic-link`, or a provider's id. */
  readonly method: string;
  readonly caller?: EndUserCaller | undefined;
  /** An anonymous user who is logged in: says now who they are, and keeps what is theirs. */
  readonly anonymousUserId?: string | undefined;
  readonly name?: string | undefined;
  readonly ageConfirmed?: boolean | undefined;
}

export interface ProvenIdentitiesOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly settings: SettingsReader;
  readonly hooks: EndUserHooks;
}

export function createProvenIdentities(options: ProvenIdentitiesOptions): ProvenIdentities {
  const { sql, clock, changes, settings, hooks } = options;

  async function find(projectId: string, proof: Proof): Promise<EndUserRow | undefined> {
    return "email" in proof
      ? await endUserStore.findByEmail(sql.db, projectId, proof.email)
      : await endUserStore.findByPhone(sql.db, projectId, proof.phone);
  }

  /**
   * Somebody else may have signed up with this address and waits for its owner to come: the owner proves it now for the
   * first time, so whatever opened the account before, a password or a session, was not proven to be theirs and goes.
   */
  async function claim(user: EndUserRow): Promise<EndUserRow> {
    const now = clock.now();
    const claimed = await changes.commit(sql, [userSubject(user.id)], async (trx) => {
      await forgetWaysIn(trx, user.id, now);
      return await endUserStore.update(trx, user.project_id, user.id, {
        email_verified_at: now,
        password_hash: null,
        updated_at: now,
      });
    });
    if (claimed === undefined) throw new AerostackError("AUTH_INVALID_CREDENTIALS");
    return claimed;
  }

  /** Null when somebody else was first, or the user is anonymous no more. */
  async function upgrade(projectId: string, userId: string, proof: Proof): Promise<EndUserRow | null> {
    const now = clock.now();
    try {
      const row = await changes.commit(sql, [userSubject(userId)], async (trx) => {
        const user = await endUserStore.findById(trx, projectId, userId);
        if (user?.is_anonymous !== 1) return undefined;
        return await endUserStore.update(trx, projectId, userId, {
          ...provenColumns(proof, now),
          is_anonymous: 0,
          updated_at: now,
        });
      });
      return row ?? null;
    } catch (error) {
      if (isUniqueViolation(error)) return null;
      throw error;
    }
  }

  async function create(projectId: string, proof: Proof, newcomer: Newcomer): Promise<EndUserRow> {
    const { name, ageConfirmed, anonymousUserId, method, caller } = newcomer;
    const upgraded = anonymousUserId === undefined ? null : await upgrade(projectId, anonymousUserId, proof);
    if (upgraded !== null) return upgraded;
    const rules = await settings.of(projectId);
    requireOpenSignUp(rules);
    requireAge(ageConfirmed, rules);
    const now = clock.now();
    await hooks.beforeRegister(projectId, { method, name: name ?? null, customFields: {}, ...proof, ...caller });
    const user = newEndUser(projectId, now, {
      name: name ?? null,
      ...provenColumns(proof, now),
    });
    if (await endUserStore.insert(sql.db, user)) {
      hooks.afterRegister(projectId, { method, user: showEndUser(user) });
      return user;
    }
    // Another request was first.
    const existing = await find(projectId, proof);
    if (existing === undefined) throw new AerostackError("AUTH_USER_EXISTS");
    return existing;
  }

  return {
    find,
    async userOf(projectId, proof, newcomer) {
      const user = (await find(projectId, proof)) ?? (await create(projectId, proof, newcomer));
      return "email" in proof && user.email_verified_at === null ? await claim(user) : user;
    },
  };
}

function provenColumns(proof: Proof, nowMs: number): Partial<EndUserRow> {
  return "email" in proof
    ? { email: proof.email, email_verified_at: nowMs }
    : { phone: proof.phone, phone_verified_at: nowMs };
}
