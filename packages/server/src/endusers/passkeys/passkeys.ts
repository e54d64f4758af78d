import { randomBytes } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { AuthenticationResponseJSON, RegistrationResponseJSON, WebAuthnCredential } from "@simplewebauthn/server";
import type { Sql } from "../../kernel/sql/index.ts";
import type { OneTimeTokens } from "../codes/one-time-tokens.ts";
import type { EndUserCaller } from "../sessions/sessions.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { PASSKEY_METHOD, type SignIn, type SignInResult } from "../sign-in/sign-in.ts";
import type { EndUserTables } from "../tables.ts";
import { type EndUserRow, endUserStore } from "../users/store.ts";
import { type PasskeyRow, passkeyStore } from "./passkey-store.ts";
import { relyingPartyOf } from "./relying-party.ts";

/** What the browser is asked, and a token that its answer comes back with. */
export interface PasskeyChallenge {
  readonly challengeToken: string;
  readonly options: Record<string, unknown>;
}

/** Passkeys (WebAuthn Level 3): always with the person verified at their device, so that one is two factors. */
export interface Passkeys {
  beginRegistration(user: EndUserRow, appName: string): Promise<PasskeyChallenge>;
  /** @throws AUTH_TOKEN_INVALID · VALIDATION_ERROR for an answer that does not hold */
  register(user: EndUserRow, challengeToken: string, response: unknown, name: string | undefined): Promise<PasskeyRow>;
  /** Names no user, so that it tells nothing of any: the device knows whose passkeys it has. */
  beginLogin(projectId: string): Promise<PasskeyChallenge>;
  /** @throws AUTH_INVALID_CREDENTIALS · AUTH_TOKEN_INVALID */
  logIn(projectId: string, challengeToken: string, response: unknown, caller: EndUserCaller): Promise<SignInResult>;
  list(userId: string): Promise<readonly PasskeyRow[]>;
  /** @throws NOT_FOUND */
  remove(projectId: string, userId: string, id: string): Promise<void>;
}

const CHALLENGE_BYTES = 32;
const MAX_PASSKEYS = 20;

export interface PasskeysOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly settings: SettingsReader;
  readonly tokens: OneTimeTokens;
  readonly signIn: SignIn;
}

export function createPasskeys({ sql, clock, settings, tokens, signIn }: PasskeysOptions): Passkeys {
  // The library is loaded by the first passkey, not by the start.
  const load = () => import("@simplewebauthn/server");
  const newChallenge = (): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(CHALLENGE_BYTES));

  return {
    async beginRegistration(user, appName) {
      const { id } = relyingPartyOf(await settings.of(user.project_id));
      const existing = await passkeyStore.listOf(sql.db, user.id);
      if (existing.length >= MAX_PASSKEYS) {
        throw new AerostackError("CONFLICT", { message: `A user has at most ${MAX_PASSKEYS} passkeys.` });
      }
      const { generateRegistrationOptions } = await load();
      const options = await generateRegistrationOptions({
        rpName: appName,
        rpID: id,
        userName: user.email ?? user.phone ?? user.id,
        userDisplayName: user.name ?? "",
        userID: new Uint8Array(Buffer.from(user.id)),
        challenge: newChallenge(),
        attestationType: "none",
        excludeCredentials: existing.map((row) => ({ id: row.id, transports: JSON.parse(row.transports) })),
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
      });
      const challengeToken = await tokens.create("passkey-register", {
        projectId: user.project_id,
        userId: user.id,
        data: { challenge: options.challenge },
      });
      return { challengeToken, options: { ...options } };
    },

    async register(user, challengeToken, response, name) {
      const { id, origins } = relyingPartyOf(await settings.of(user.project_id));
      const taken = await tokens.take(sql.db, "passkey-register", user.project_id, challengeToken);
      if (taken.userId !== user.id) throw new AerostackError("AUTH_TOKEN_INVALID");
      const { verifyRegistrationResponse } = await load();
      const { registrationInfo } = await verifyRegistrationResponse({
        response: response as RegistrationResponseJSON,
        expectedChallenge: String(taken.data.challenge),
        expectedOrigin: [...origins],
        expectedRPID: id,
        requireUserVerification: true,
      }).catch((cause: unknown) => {
        throw notUsable(cause);
      });
      if (registrationInfo === undefined) throw notUsable();
      const { credential, credentialBackedUp } = registrationInfo;
      const row: PasskeyRow = {
        project_id: user.project_id,
        id: credential.id,
        user_id: user.id,
        public_key: Buffer.from(credential.publicKey).toString("base64url"),
        counter: credential.counter,
        transports: JSON.stringify(credential.transports ?? []),
        is_backed_up: credentialBackedUp ? 1 : 0,
        name: name ?? null,
        created_at: clock.now(),
        last_used_at: null,
      };
      if (!(await passkeyStore.insert(sql.db, row))) {
        throw new AerostackError("CONFLICT", { message: "This passkey is registered already." });
      }
      return row;
    },

    async beginLogin(projectId) {
      const { id } = relyingPartyOf(await settings.of(projectId));
      const { generateAuthenticationOptions } = await load();
      const options = await generateAuthenticationOptions({
        rpID: id,
        challenge: newChallenge(),
        userVerification: "required",
      });
      const data = { challenge: options.challenge };
      const challengeToken = await tokens.create("passkey-login", { projectId, userId: null, data });
      return { challengeToken, options: { ...options } };
    },

    async logIn(projectId, challengeToken, response, caller) {
      const { id, origins } = relyingPartyOf(await settings.of(projectId));
      const { data } = await tokens.take(sql.db, "passkey-login", projectId, challengeToken);
      const sent = response as AuthenticationResponseJSON;
      const row = await passkeyStore.find(sql.db, projectId, sent.id);
      if (row === undefined) throw unknownPasskey();
      const { verifyAuthenticationResponse } = await load();
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: sent,
        expectedChallenge: String(data.challenge),
        expectedOrigin: [...origins],
        expectedRPID: id,
        credential: credentialOf(row),
        requireUserVerification: true,
      }).catch((cause: unknown) => {
        throw unknownPasskey(cause);
      });
      const user = await endUserStore.findById(sql.db, projectId, row.user_id);
      if (!verified || user === undefined) throw unknownPasskey();
      const { newCounter, credentialBackedUp } = authenticationInfo;
      await passkeyStore.markUsed(sql.db, row, newCounter, credentialBackedUp, clock.now());
      return await signIn.finish(user, [PASSKEY_METHOD, "mfa"], caller);
    },

    list: (userId) => passkeyStore.listOf(sql.db, userId),

    async remove(projectId, userId, id) {
      if (await passkeyStore.remove(sql.db, projectId, userId, id)) return;
      throw new AerostackError("NOT_FOUND", { message: "There is no such passkey." });
    },
  };
}

function credentialOf(row: PasskeyRow): WebAuthnCredential {
  return {
    id: row.id,
    publicKey: new Uint8Array(Buffer.from(row.public_key, "base64url")),
    counter: row.counter,
    transports: JSON.parse(row.transports),
  };
}

function notUsable(cause?: unknown): AerostackError {
  return new AerostackError("VALIDATION_ERROR", {
    message: "The device's answer does not hold.",
    fix: "Ask for new options and try again on the project's own site.",
    details: { fieldErrors: { response: ["does not hold"] } },
    cause,
  });
}

/** The same for a passkey that nobody has as for one that does not sign rightly. */
function unknownPasskey(cause?: unknown): AerostackError {
  return new AerostackError("AUTH_INVALID_CREDENTIALS", {
    message: "This passkey does not open anything here.",
    fix: "Log in another way.",
    cause,
  });
}
