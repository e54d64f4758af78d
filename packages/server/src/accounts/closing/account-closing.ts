import { AerostackError, type SecondFactor } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../../audit/record.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { PasswordHasher } from "../../kernel/crypto/password-hash.ts";
import { limitKeyOfAddress } from "../../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../../kernel/limiter/limiter.ts";
import { requireAllowed } from "../../kernel/limiter/require-allowed.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { AccountIdentity } from "../../keys/principal.ts";
import type { Holds } from "../../legal/holds.ts";
import type { Notices } from "../../notices/service.ts";
import type { ProjectService } from "../../projects/service.ts";
import {
  departFromAll,
  type MembershipAtEnd,
  membershipsAtEnd,
  type OwnerlessOrganisation,
} from "../../teams/departure.ts";
import { ACCOUNT_TOKEN_KINDS, type AccountTokens, linkWithToken } from "../account-tokens.ts";
import { happenedNow } from "../happened.ts";
import { requireSession } from "../require-session.ts";
import { sessionStore } from "../session-store.ts";
import { type AccountRow, accountStore } from "../store.ts";
import type { AccountTables } from "../tables.ts";

/**
 * Responsible for the end of accounts (P21). A closed account is at rest for 30 days: nobody is logged in, its keys are
 * refused, and projects that are its alone answer nothing. A log-in, or the link in the mail, brings all of it back. After
 * that everything is deleted.
 */
export interface AccountClosing {
  /**
   * @returns when everything is deleted
   * @throws FORBIDDEN by a key · AUTH_INVALID_CREDENTIALS · AUTH_OTP_INVALID · CONFLICT when others depend on the account
   */
  close(identity: AccountIdentity, proof: ClosingProof): Promise<number>;
  /** For whoever has just proved to be the account's owner. @throws AUTH_INVALID_CREDENTIALS when its time is over */
  reopen(account: AccountRow): Promise<void>;
  /** @throws AUTH_TOKEN_INVALID */
  reopenByLink(token: string, clientAddress: string): Promise<void>;
  /** In the transaction that decides so: the account is closed, and there is no way back. */
  endNow<Tables>(trx: Kysely<Tables>, accountId: string): Promise<void>;
  /** After that transaction: stops what the account has, and deletes it. */
  finishEnding(accountId: string): Promise<void>;
  /** Deletes what has been closed for long enough, and is not kept back by a legal hold. What fails is logged and tried again the next time. */
  deleteDue(): Promise<void>;
}

export interface ClosingProof {
  readonly password: string;
  readonly factor?: SecondFactor | undefined;
}

const DAY_MS = 24 * 60 * 60_000;
/** P21: deleted within 30 days. */
export const GRACE_MS = 30 * DAY_MS;
/** The job runs every hour and may find much to do: it begins a day before the promise's end. */
const DELETED_AFTER_MS = GRACE_MS - DAY_MS;
const CLOSINGS_PER_ACCOUNT: LimitPolicy = { limit: 5, windowMs: 15 * 60_000 };
const REOPENINGS_PER_ADDRESS: LimitPolicy = { limit: 10, windowMs: 60_000 };
/** Of accounts that a legal hold keeps back, looked past in one round. */
const MAX_KEPT_BACK = 1_000;
/** The audit log stays when the account is deleted: what it says of the end has nothing by which a person is found. */
const IMPERSONAL = { ip: null, region: null, userAgent: null } as const;

export interface AccountClosingOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly hasher: PasswordHasher;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly notices: Notices;
  readonly tokens: AccountTokens;
  readonly log: Logger;
  readonly origin: () => string;
  /** What keeps a deletion back. */
  readonly holds: Pick<Holds, "ofAccount">;
  readonly projects: Pick<ProjectService, "idsIn" | "suspend" | "deleteAllIn">;
  /** An organisation has no owner any more, and waits for an operator. */
  readonly onOwnerless: (organisation: OwnerlessOrganisation) => void;
  /** Asks for the second factor where the account has one. @throws AUTH_OTP_INVALID */
  readonly proveSecondFactor: (accountId: string, factor: SecondFactor | undefined) => Promise<void>;
}

export function createAccountClosing(options: AccountClosingOptions): AccountClosing {
  const { clock, changes, hasher, limiter, audit, notices, tokens, log, origin, projects, holds } = options;
  const sql = options.sql.withTables<AccountTables>();

  const endsAlone = ({ isPersonal, otherMembers }: MembershipAtEnd) => isPersonal || otherMembers === 0;

  async function subjectsOf(accountId: string): Promise<{ organisationIds: string[]; subjects: string[] }> {
    const memberships = await membershipsAtEnd(sql.db, accountId);
    const organisationIds = memberships.filter(endsAlone).map(({ organisationId }) => organisationId);
    const projectIds = await projects.idsIn(organisationIds);
    return { organisationIds, subjects: [`account:${accountId}`, ...projectIds.map((id) => `project:${id}`)] };
  }

  async function deleteAccount(accountId: string): Promise<void> {
    const { organisationIds } = await subjectsOf(accountId);
    await projects.deleteAllIn(organisationIds);
    const ownerless = await changes.commit(sql, [`account:${accountId}`], async (trx) => {
      const account = await accountStore.findById(trx, accountId);
      if (account === undefined) return [];
      const left = await departFromAll(trx, accountId);
      for (const { id } of left) {
        await audit.record(trx, {
          actor: { kind: "system", id: null },
          action: "organisation.left_without_owner",
          target: { kind: "organisation", id },
          organisationId: id,
          ...IMPERSONAL,
        });
      }
      await accountStore.remove(trx, account);
      const target = { kind: "account", id: accountId } as const;
      await audit.record(trx, {
        actor: { kind: "system", id: null },
        action: "account.deleted",
        target,
        ...IMPERSONAL,
      });
      return left;
    });
    for (const organisation of ownerless) options.onOwnerless(organisation);
    log.info({ accountId }, "a closed account was deleted");
  }

  return {
    async close({ accountId, via }, { password, factor }) {
      requireSession(via, "An account is closed");
      await requireAllowed(limiter, `close:account:${accountId}`, CLOSINGS_PER_ACCOUNT);
      const account = await accountStore.findById(sql.db, accountId);
      if (account === undefined) throw new AerostackError("AUTH_TOKEN_INVALID");
      const { valid } = await hasher.verify(password, account.password_hash);
      if (!valid) throw new AerostackError("AUTH_INVALID_CREDENTIALS", { message: "The password is wrong." });
      await options.proveSecondFactor(accountId, factor);
      const { organisationIds, subjects } = await subjectsOf(accountId);
      const now = clock.now();
      const deletedOnMs = now + GRACE_MS;
      await changes.commit(sql, subjects, async (trx) => {
        await requireNobodyLeftBehind(trx, account);
        await accountStore.setClosed(trx, accountId, now);
        await sessionStore.revokeAll(trx, accountId, "account closed", now);
        await tokens.removeOf(trx, accountId, "mfa");
        await trx.deleteFrom("device_logins").where("account_id", "=", accountId).execute();
        await projects.suspend(trx, organisationIds, now);
        const target = { kind: "account", id: accountId } as const;
        await audit.record(trx, { action: "account.closed", target, ...IMPERSONAL });
      });
      const token = await tokens.create("reopen-account", { realm: {}, userId: accountId });
      const data = { link: linkWithToken(origin(), "/reopen-account", token), deletedOn: new Date(deletedOnMs) };
      notices.sendInBackground({ accountId, template: "account-closed", data });
      return deletedOnMs;
    },

    async reopen({ id }) {
      const { organisationIds, subjects } = await subjectsOf(id);
      const reopened = await changes.commit(sql, subjects, async (trx) => {
        const now = clock.now();
        const account = await accountStore.findById(trx, id);
        if (account?.closed_at === null) return false;
        if (account === undefined || account.closed_at <= now - DELETED_AFTER_MS) {
          throw new AerostackError("AUTH_INVALID_CREDENTIALS");
        }
        await accountStore.setClosed(trx, id, null);
        await tokens.removeOf(trx, id, "reopen-account");
        await projects.suspend(trx, organisationIds, null);
        const target = { kind: "account", id } as const;
        await audit.record(trx, { actor: target, action: "account.reopened", target, ...IMPERSONAL });
        return true;
      });
      if (!reopened) return;
      notices.sendInBackground({ accountId: id, template: "account-reopened", data: happenedNow(clock) });
    },

    async reopenByLink(token, clientAddress) {
      const limitKey = `reopen:address:${limitKeyOfAddress(clientAddress)}`;
      await requireAllowed(limiter, limitKey, REOPENINGS_PER_ADDRESS);
      const { userId } = await tokens.find("reopen-account", {}, token);
      const account = userId === null ? undefined : await accountStore.findById(sql.db, userId);
      if (account === undefined) throw new AerostackError(ACCOUNT_TOKEN_KINDS["reopen-account"].error);
      await this.reopen(account);
    },

    async endNow(anyTrx, accountId) {
      const trx = anyTrx as unknown as Kysely<AccountTables>;
      const now = clock.now();
      await accountStore.setClosed(trx, accountId, now - GRACE_MS);
      await sessionStore.revokeAll(trx, accountId, "account ended", now);
      await tokens.removeOf(trx, accountId, "mfa");
    },

    async finishEnding(accountId) {
      const { organisationIds, subjects } = await subjectsOf(accountId);
      await changes.commit(sql, subjects, (trx) => projects.suspend(trx, organisationIds, clock.now()));
      // What fails is done by the next round of deletions.
      await this.deleteDue();
    },

    async deleteDue() {
      // Those that are kept back stand before all others, being the oldest: they must not hold up the rest.
      const keptBack: string[] = [];
      for (let isEnd = false; !isEnd && keptBack.length < MAX_KEPT_BACK; ) {
        const due = await accountStore.listClosedBefore(sql.db, clock.now() - DELETED_AFTER_MS, keptBack);
        isEnd = due.length === 0;
        for (const id of due) {
          if (await holds.ofAccount(null, id)) {
            keptBack.push(id);
            continue;
          }
          isEnd = true;
          try {
            await deleteAccount(id);
          } catch (err) {
            log.error({ err, accountId: id }, "a closed account could not be deleted; the next hour tries again");
          }
        }
      }
    },
  };
}

/** Nobody else may be left with what only this account can decide. @throws CONFLICT */
async function requireNobodyLeftBehind(trx: Sql<AccountTables>["db"], { id, is_admin }: AccountRow): Promise<void> {
  const memberships = await membershipsAtEnd(trx, id);
  const depending = memberships.filter((one) => one.isOwner && one.otherOwners === 0 && one.otherMembers > 0);
  if (depending.length > 0) {
    throw new AerostackError("CONFLICT", {
      message: `Others are left in ${depending.map(({ name }) => `'${name}'`).join(", ")}, whose only owner this account is.`,
      fix: "Give each to another member first (`aerostack orgs transfer`), or remove its other members, or delete it.",
      details: { organisations: depending.map(({ organisationId }) => organisationId) },
    });
  }
  if (is_admin === 1 && (await accountStore.isOnlyAdmin(trx, id))) {
    throw new AerostackError("CONFLICT", {
      message: "This is the only account with the admin right.",
      fix: "An installation needs one; close it when another account has the right.",
    });
  }
}
