import type { Clock } from "@aerostack/kernel";
import {
  createPasskeys as createCeremonies,
  type PasskeyChallenge,
  type PasskeyRow,
  unknownPasskey,
} from "../../identity/passkeys/passkeys.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { OneTimeTokens } from "../codes/one-time-tokens.ts";
import type { EndUserCaller } from "../sessions/sessions.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { PASSKEY_METHOD, type SignIn, type SignInResult } from "../sign-in/sign-in.ts";
import type { EndUserTables } from "../tables.ts";
import { type EndUserRow, endUserStore } from "../users/store.ts";
import { relyingPartyOf } from "./relying-party.ts";

/** The passkeys of a project's users, for the project's own site. */
export interface Passkeys {
  beginRegistration(user: EndUserRow, appName: string): Promise<PasskeyChallenge>;
  /** @throws AUTH_TOKEN_INVALID · VALIDATION_ERROR for an answer that does not hold */
  register(user: EndUserRow, challengeToken: string, response: unknown, name: string | undefined): Promise<PasskeyRow>;
  beginLogin(projectId: string): Promise<PasskeyChallenge>;
  /** @throws AUTH_INVALID_CREDENTIALS · AUTH_TOKEN_INVALID */
  logIn(projectId: string, challengeToken: string, response: unknown, caller: EndUserCaller): Promise<SignInResult>;
  list(userId: string): Promise<readonly PasskeyRow[]>;
  /** @throws NOT_FOUND */
  remove(projectId: string, userId: string, id: string): Promise<void>;
}

export interface PasskeysOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly settings: SettingsReader;
  readonly tokens: OneTimeTokens;
  readonly signIn: SignIn;
}

export function createPasskeys({ sql, clock, settings, tokens, signIn }: PasskeysOptions): Passkeys {
  const passkeys = createCeremonies({
    sql: sql.withTables<unknown>(),
    clock,
    tokens: tokens.ofRealm,
    table: "end_user_passkeys",
  });
  const realmOf = (projectId: string) => ({ project_id: projectId });
  const partyOf = async (projectId: string) => relyingPartyOf(await settings.of(projectId));

  return {
    async beginRegistration(user, appName) {
      const subject = {
        realm: realmOf(user.project_id),
        userId: user.id,
        userName: user.email ?? user.phone ?? user.id,
        displayName: user.name ?? "",
      };
      return await passkeys.beginRegistration(subject, await partyOf(user.project_id), appName);
    },

    async register(user, challengeToken, response, name) {
      const subject = { realm: realmOf(user.project_id), userId: user.id };
      return await passkeys.register(subject, await partyOf(user.project_id), { challengeToken, response, name });
    },

    beginLogin: async (projectId) => await passkeys.beginLogin(realmOf(projectId), await partyOf(projectId)),

    async logIn(projectId, challengeToken, response, caller) {
      const party = await partyOf(projectId);
      const row = await passkeys.verify(realmOf(projectId), party, challengeToken, response);
      const user = await endUserStore.findById(sql.db, projectId, row.user_id);
      if (user === undefined) throw unknownPasskey();
      return await signIn.finish(user, [PASSKEY_METHOD, "mfa"], caller);
    },

    list: passkeys.list,
    remove: (projectId, userId, id) => passkeys.remove(sql.db, realmOf(projectId), userId, id),
  };
}
