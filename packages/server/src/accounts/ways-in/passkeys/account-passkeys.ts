import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../../../audit/record.ts";
import { createPasskeys, type PasskeyChallenge, type PasskeyRow } from "../../../identity/passkeys/passkeys.ts";
import type { Sql } from "../../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../../keys/principal.ts";
import type { Notices } from "../../../notices/service.ts";
import { happenedNow } from "../../happened.ts";
import { requireSession } from "../../require-session.ts";
import { accountStore } from "../../store.ts";
import type { AccountTables } from "../../tables.ts";
import { lockAccount, requireAnotherWayIn } from "../another-way-in.ts";
import type { WayInTables } from "../tables.ts";
import type { WayInTokens } from "../way-in-tokens.ts";
import { passkeySteps } from "./passkey-steps.ts";
import { relyingPartyOf } from "./relying-party.ts";

/** The passkeys of accounts. What changes them is done with a session, written to the audit log, and told to the owner. */
export interface AccountPasskeys {
  list(accountId: string): Promise<{ readonly passkeys: readonly PasskeyRow[]; readonly secondStep: boolean }>;
  /** @throws FORBIDDEN by a key · CONFLICT · AUTH_METHOD_DISABLED */
  beginRegistration(identity: AccountIdentity): Promise<PasskeyChallenge>;
  /** @throws FORBIDDEN by a key · AUTH_TOKEN_INVALID · VALIDATION_ERROR · CONFLICT */
  register(identity: AccountIdentity, answer: NewPasskey): Promise<PasskeyRow>;
  /** @throws FORBIDDEN by a key · NOT_FOUND */
  rename(identity: AccountIdentity, id: string, name: string): Promise<PasskeyRow>;
  /** With the last one, the second step is off. @throws FORBIDDEN by a key · NOT_FOUND · CONFLICT for the last way in */
  remove(identity: AccountIdentity, id: string): Promise<void>;
  /** Whether a log-in by one factor asks for a passkey. @throws FORBIDDEN by a key · CONFLICT without a passkey */
  setSecondStep(identity: AccountIdentity, required: boolean): Promise<void>;
  /** Names nobody: the device knows whose passkeys it has. */
  beginLogin(): Promise<PasskeyChallenge>;
  /** Whose passkey answered. @throws AUTH_INVALID_CREDENTIALS · AUTH_TOKEN_INVALID */
  verify(challengeToken: string, response: unknown): Promise<PasskeyRow>;
}

export interface NewPasskey {
  readonly challengeToken: string;
  readonly response: unknown;
  readonly name: string | undefined;
}

export interface AccountPasskeysOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly audit: Audit;
  readonly notices: Pick<Notices, "sendInBackground">;
  readonly tokens: WayInTokens;
  readonly origin: () => string;
}

/** An installation has one realm of accounts. */
const REALM = {};
const CHANGES = "Passkeys are changed";
const UNNAMED = "Passkey";

export function createAccountPasskeys(options: AccountPasskeysOptions): AccountPasskeys {
  const { clock, audit, notices, tokens, origin } = options;
  const sql = options.sql.withTables<AccountTables & WayInTables>();
  const passkeys = createPasskeys({ sql: options.sql, clock, tokens, table: "account_passkeys" });
  const party = () => relyingPartyOf(origin());
  const appName = () => `Aerostack (${new URL(origin()).hostname})`;

  const rowsOf = (trx: Kysely<WayInTables>, accountId: string) =>
    trx.selectFrom("account_passkeys").select(["id", "name"]).where("user_id", "=", accountId).execute();

  const record = <Tables>(trx: Kysely<Tables> | null, action: string, accountId: string, id: string | null) =>
    audit.record(trx, { action, target: { kind: "account", id: accountId }, after: id === null ? null : { id } });

  function tell(accountId: string, template: "passkey-added" | "passkey-removed", name: string | null): void {
    const data = { ...happenedNow(clock), passkeyName: name ?? UNNAMED };
    notices.sendInBackground({ accountId, template, data });
  }

  function tellStep(accountId: string, isOn: boolean): void {
    const template = isOn ? "second-factor-on" : "second-factor-off";
    notices.sendInBackground({ accountId, template, data: happenedNow(clock) });
  }

  return {
    async list(accountId) {
      return {
        passkeys: await passkeys.list(accountId),
        secondStep: await passkeySteps.isOn(sql.db, accountId),
      };
    },

    async beginRegistration({ via, accountId }) {
      requireSession(via, CHANGES);
      const account = await accountStore.findById(sql.db, accountId);
      if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      const subject = {
        realm: REALM,
        userId: accountId,
        userName: account.email,
        displayName: account.name ?? account.email,
      };
      return await passkeys.beginRegistration(subject, party(), appName());
    },

    async register({ via, accountId }, answer) {
      requireSession(via, CHANGES);
      const row = await passkeys.register({ realm: REALM, userId: accountId }, party(), answer);
      await record(null, "passkey.added", accountId, row.id);
      tell(accountId, "passkey-added", row.name);
      return row;
    },

    async rename({ via, accountId }, id, name) {
      requireSession(via, CHANGES);
      const row = await passkeys.rename(REALM, accountId, id, name);
      await record(null, "passkey.renamed", accountId, id);
      return row;
    },

    async remove({ via, accountId }, id) {
      requireSession(via, CHANGES);
      const { row, isStepOff } = await sql.transaction(async (trx) => {
        await lockAccount(trx, accountId);
        const rows = await rowsOf(trx, accountId);
        await passkeys.remove(trx, REALM, accountId, id);
        await requireAnotherWayIn(trx, accountId);
        const stepOff = rows.length === 1 && (await passkeySteps.switchOff(trx, accountId));
        await record(trx, "passkey.removed", accountId, id);
        if (stepOff) await record(trx, "passkey.second_step_off", accountId, null);
        return { row: rows.find((each) => each.id === id), isStepOff: stepOff };
      });
      tell(accountId, "passkey-removed", row?.name ?? null);
      if (isStepOff) tellStep(accountId, false);
    },

    async setSecondStep({ via, accountId }, required) {
      requireSession(via, CHANGES);
      const isChanged = await sql.transaction(async (trx) => {
        await lockAccount(trx, accountId);
        if (required && (await rowsOf(trx, accountId)).length === 0) {
          throw new AerostackError("CONFLICT", { message: "The account has no passkey.", fix: "Add one before." });
        }
        const changed = required
          ? await passkeySteps.switchOn(trx, accountId, clock.now())
          : await passkeySteps.switchOff(trx, accountId);
        if (changed) await record(trx, `passkey.second_step_${required ? "on" : "off"}`, accountId, null);
        return changed;
      });
      if (isChanged) tellStep(accountId, required);
    },

    beginLogin: async () => await passkeys.beginLogin(REALM, party()),
    verify: async (challengeToken, response) => await passkeys.verify(REALM, party(), challengeToken, response),
  };
}
