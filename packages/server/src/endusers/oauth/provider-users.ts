import { AerostackError, emailSchema } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { ProviderProfile } from "../../identity/oauth/provider-connection.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import { hashToken } from "../../kernel/crypto/token-hash.ts";
import { type Sql, toStorableText } from "../../kernel/sql/index.ts";
import type { EndUserHooks } from "../hooks/hooks.ts";
import { userSubject } from "../sessions/sessions.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { showEndUser } from "../show-user.ts";
import type { ProvenIdentities } from "../sign-in/proven-identity.ts";
import { requireAge, requireOpenSignUp } from "../sign-in/sign-up-rules.ts";
import type { EndUserTables } from "../tables.ts";
import { newEndUser } from "../users/new-user.ts";
import { type EndUserRow, endUserStore } from "../users/store.ts";
import { type IdentityRow, identityStore } from "./identity-store.ts";

export interface ProviderNewcomer {
  readonly ageConfirmed?: boolean | undefined;
  /** Who was logged in when they set out: the identity becomes theirs. */
  readonly linkUserId?: string | undefined;
}

/** Which of a project's users somebody is whom a provider knows. */
export interface ProviderUsers {
  /**
   * The user whose identity it is; else the one with the same e-mail address, if the provider has confirmed it; else a new
   * one. An address that the provider has not confirmed leads to nobody's account.
   *
   * @throws AUTH_USER_EXISTS when the identity, or an address that is not confirmed, is somebody else's
   */
  userOf(
    projectId: string,
    provider: string,
    profile: ProviderProfile,
    newcomer: ProviderNewcomer,
  ): Promise<EndUserRow>;
}

export interface ProviderUsersOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly settings: SettingsReader;
  readonly identities: ProvenIdentities;
  readonly hooks: EndUserHooks;
}

const MAX_NAME_CHARACTERS = 100;

export function createProviderUsers(options: ProviderUsersOptions): ProviderUsers {
  const { sql, clock, changes, settings, identities, hooks } = options;

  function rowOf(projectId: string, provider: string, { issuer, subject, email }: ProviderProfile): IdentityRow {
    return {
      project_id: projectId,
      provider,
      subject_hash: hashToken(JSON.stringify([issuer, subject])),
      user_id: "",
      email,
      created_at: clock.now(),
    };
  }

  async function requireUser(projectId: string, userId: string): Promise<EndUserRow> {
    const user = await endUserStore.findById(sql.db, projectId, userId);
    if (user === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
    return user;
  }

  async function link(identity: IdentityRow, user: EndUserRow, profile: ProviderProfile): Promise<EndUserRow> {
    const now = clock.now();
    const linked = await changes.commit(sql, [userSubject(user.id)], async (trx) => {
      if (!(await identityStore.insert(trx, { ...identity, user_id: user.id }))) return undefined;
      const isFree =
        profile.email !== null &&
        profile.isEmailVerified &&
        user.email === null &&
        (await endUserStore.findByEmail(trx, user.project_id, profile.email)) === undefined;
      return await endUserStore.update(trx, user.project_id, user.id, {
        ...(isFree ? { email: profile.email, email_verified_at: now } : {}),
        name: user.name ?? nameOf(profile),
        is_anonymous: 0,
        updated_at: now,
      });
    });
    if (linked !== undefined) return linked;
    // Another request was first.
    const found = await identityStore.find(sql.db, identity);
    if (found?.user_id !== user.id) throw taken("This identity belongs to another user of the application.");
    return await requireUser(user.project_id, user.id);
  }

  async function create(
    projectId: string,
    method: string,
    profile: ProviderProfile,
    newcomer: ProviderNewcomer,
  ): Promise<EndUserRow> {
    const rules = await settings.of(projectId);
    requireOpenSignUp(rules);
    requireAge(newcomer.ageConfirmed, rules);
    const name = nameOf(profile);
    await hooks.beforeRegister(projectId, { method, name, customFields: {} });
    const user = newEndUser(projectId, clock.now(), { name });
    await endUserStore.insert(sql.db, user);
    hooks.afterRegister(projectId, { method, user: showEndUser(user) });
    return user;
  }

  return {
    async userOf(projectId, provider, told, newcomer) {
      const profile = { ...told, email: usableEmail(told.email) };
      const identity = rowOf(projectId, provider, profile);
      const known = await identityStore.find(sql.db, identity);
      if (newcomer.linkUserId !== undefined) {
        if (known !== undefined && known.user_id !== newcomer.linkUserId) {
          throw taken("This identity belongs to another user of the application.");
        }
        const user = await requireUser(projectId, newcomer.linkUserId);
        return known === undefined ? await link(identity, user, profile) : user;
      }
      if (known !== undefined) return await requireUser(projectId, known.user_id);
      if (profile.email !== null && profile.isEmailVerified) {
        const name = nameOf(profile) ?? undefined;
        const { ageConfirmed } = newcomer;
        const user = await identities.userOf(
          projectId,
          { email: profile.email },
          { method: provider, name, ageConfirmed },
        );
        return await link(identity, user, profile);
      }
      if (profile.email !== null && (await identities.find(projectId, { email: profile.email })) !== undefined) {
        throw taken("The provider has not confirmed this e-mail address, which has a user here.");
      }
      return await link(identity, await create(projectId, provider, profile, newcomer), { ...profile, email: null });
    },
  };
}

function taken(message: string): AerostackError {
  return new AerostackError("AUTH_USER_EXISTS", { message, fix: "Log in another way, then connect the provider." });
}

function usableEmail(email: string | null): string | null {
  const parsed = emailSchema.safeParse(email);
  return parsed.success ? parsed.data : null;
}

function nameOf({ name }: ProviderProfile): string | null {
  const clean = toStorableText(name ?? "")
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "")
    .trim();
  return clean === "" ? null : clean.slice(0, MAX_NAME_CHARACTERS);
}
