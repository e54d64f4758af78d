import { randomBytes } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { AuthenticationResponseJSON, RegistrationResponseJSON, WebAuthnCredential } from "@simplewebauthn/server";
import type { Kysely } from "kysely";
import type { Sql } from "../../kernel/sql/index.ts";
import type { OneTimeTokens } from "../one-time-tokens.ts";
import type { Realm } from "../realm.ts";
import { createPasskeyStore, type PasskeyRow, type PasskeyTables } from "./passkey-store.ts";

export type { PasskeyRow } from "./passkey-store.ts";

/** What the browser is asked, and a token that its answer comes back with. */
export interface PasskeyChallenge {
  readonly challengeToken: string;
  readonly options: Record<string, unknown>;
}

export interface RelyingParty {
  /** The domain that passkeys belong to. */
  readonly id: string;
  readonly origins: readonly string[];
}

/** Whom a passkey is made for, as their device shows it. */
export interface PasskeySubject {
  readonly realm: Realm;
  readonly userId: string;
  readonly userName: string;
  readonly displayName: string;
}

/** Passkeys (WebAuthn Level 3): always with the person verified at their device, so that one is two factors. */
export interface Passkeys {
  /** @throws CONFLICT for who has as many as there may be */
  beginRegistration(subject: PasskeySubject, party: RelyingParty, appName: string): Promise<PasskeyChallenge>;
  /** @throws AUTH_TOKEN_INVALID · VALIDATION_ERROR for an answer that does not hold · CONFLICT */
  register(
    subject: Pick<PasskeySubject, "realm" | "userId">,
    party: RelyingParty,
    answer: { readonly challengeToken: string; readonly response: unknown; readonly name: string | undefined },
  ): Promise<PasskeyRow>;
  /** Names nobody, so that it tells nothing of anybody: the device knows whose passkeys it has. */
  beginLogin(realm: Realm, party: RelyingParty): Promise<PasskeyChallenge>;
  /** The passkey that answered. @throws AUTH_INVALID_CREDENTIALS · AUTH_TOKEN_INVALID */
  verify(realm: Realm, party: RelyingParty, challengeToken: string, response: unknown): Promise<PasskeyRow>;
  list(userId: string): Promise<readonly PasskeyRow[]>;
  /** @throws NOT_FOUND */
  rename(realm: Realm, userId: string, id: string, name: string): Promise<PasskeyRow>;
  /** @throws NOT_FOUND */
  remove<Tables>(db: Kysely<Tables>, realm: Realm, userId: string, id: string): Promise<void>;
}

const CHALLENGE_BYTES = 32;
const MAX_PASSKEYS = 20;

export interface PasskeysOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly tokens: OneTimeTokens<"passkey-register" | "passkey-login">;
  /** Its columns are those of `PasskeyRow`, and the realm's. */
  readonly table: string;
}

export function createPasskeys({ sql, clock, tokens, table }: PasskeysOptions): Passkeys {
  // The library is loaded by the first passkey, not by the start.
  const load = () => import("@simplewebauthn/server");
  const newChallenge = (): Uint8Array<ArrayBuffer> => new Uint8Array(randomBytes(CHALLENGE_BYTES));
  const { db } = sql.withTables<PasskeyTables>();
  const store = createPasskeyStore(table);

  return {
    async beginRegistration({ realm, userId, userName, displayName }, party, appName) {
      const existing = await store.listOf(db, userId);
      if (existing.length >= MAX_PASSKEYS) {
        throw new AerostackError("CONFLICT", { message: `A user has at most ${MAX_PASSKEYS} passkeys.` });
      }
      const { generateRegistrationOptions } = await load();
      const options = await generateRegistrationOptions({
        rpName: appName,
        rpID: party.id,
        userName,
        userDisplayName: displayName,
        userID: new Uint8Array(Buffer.from(userId)),
        challenge: newChallenge(),
        attestationType: "none",
        excludeCredentials: existing.map((row) => ({ id: row.id, transports: JSON.parse(row.transports) })),
        authenticatorSelection: { residentKey: "required", userVerification: "required" },
      });
      const data = { challenge: options.challenge };
      const challengeToken = await tokens.create("passkey-register", { realm, userId, data });
      return { challengeToken, options: { ...options } };
    },

    async register({ realm, userId }, party, { challengeToken, response, name }) {
      const taken = await tokens.take(db, "passkey-register", realm, challengeToken);
      if (taken.userId !== userId) throw new AerostackError("AUTH_TOKEN_INVALID");
      const { verifyRegistrationResponse } = await load();
      const { registrationInfo } = await verifyRegistrationResponse({
        response: response as RegistrationResponseJSON,
        expectedChallenge: String(taken.data.challenge),
        expectedOrigin: [...party.origins],
        expectedRPID: party.id,
        requireUserVerification: true,
      }).catch((cause: unknown) => {
        throw notUsable(cause);
      });
      if (registrationInfo === undefined) throw notUsable();
      const { credential, credentialBackedUp } = registrationInfo;
      const row: PasskeyRow = {
        id: credential.id,
        user_id: userId,
        public_key: Buffer.from(credential.publicKey).toString("base64url"),
        counter: credential.counter,
        transports: JSON.stringify(credential.transports ?? []),
        is_backed_up: credentialBackedUp ? 1 : 0,
        name: name ?? null,
        created_at: clock.now(),
        last_used_at: null,
      };
      if (!(await store.insert(db, realm, row))) {
        throw new AerostackError("CONFLICT", { message: "This passkey is registered already." });
      }
      return row;
    },

    async beginLogin(realm, party) {
      const { generateAuthenticationOptions } = await load();
      const options = await generateAuthenticationOptions({
        rpID: party.id,
        challenge: newChallenge(),
        userVerification: "required",
      });
      const data = { challenge: options.challenge };
      const challengeToken = await tokens.create("passkey-login", { realm, userId: null, data });
      return { challengeToken, options: { ...options } };
    },

    async verify(realm, party, challengeToken, response) {
      const { data } = await tokens.take(db, "passkey-login", realm, challengeToken);
      const sent = response as AuthenticationResponseJSON;
      const row = await store.find(db, realm, sent.id);
      if (row === undefined) throw unknownPasskey();
      const { verifyAuthenticationResponse } = await load();
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: sent,
        expectedChallenge: String(data.challenge),
        expectedOrigin: [...party.origins],
        expectedRPID: party.id,
        credential: credentialOf(row),
        requireUserVerification: true,
      }).catch((cause: unknown) => {
        throw unknownPasskey(cause);
      });
      if (!verified) throw unknownPasskey();
      const { newCounter: counter, credentialBackedUp: isBackedUp } = authenticationInfo;
      await store.markUsed(db, realm, row.id, { counter, isBackedUp, nowMs: clock.now() });
      return row;
    },

    list: (userId) => store.listOf(db, userId),

    async rename(realm, userId, id, name) {
      const row = await store.rename(db, realm, userId, id, name);
      if (row === undefined) throw noSuchPasskey();
      return row;
    },

    async remove(anyDb, realm, userId, id) {
      if (!(await store.remove(anyDb as unknown as Kysely<PasskeyTables>, realm, userId, id))) throw noSuchPasskey();
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

function noSuchPasskey(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "There is no such passkey." });
}

function notUsable(cause?: unknown): AerostackError {
  return new AerostackError("VALIDATION_ERROR", {
    message: "The device's answer does not hold.",
    fix: "Ask for new options and try again on the site that the passkey is for.",
    details: { fieldErrors: { response: ["does not hold"] } },
    cause,
  });
}

/** The same for a passkey that nobody has as for one that does not sign rightly. */
export function unknownPasskey(cause?: unknown): AerostackError {
  return new AerostackError("AUTH_INVALID_CREDENTIALS", {
    message: "This passkey does not open anything here.",
    fix: "Log in another way.",
    cause,
  });
}
