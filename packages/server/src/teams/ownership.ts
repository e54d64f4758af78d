import { AerostackError } from "@aerostack/contracts";
import type { Selectable } from "kysely";
import { requireAuthority } from "./authority.ts";
import { memberStore } from "./member-store.ts";
import { memberNotFound, type OrganisationRecord } from "./organisation.ts";
import type { TeamTables } from "./tables.ts";
import type { TeamOptions } from "./team-options.ts";

export type OwnershipOfferRow = Selectable<TeamTables["ownership_offers"]>;

/** Responsible for how an organisation changes hands: an owner offers, a member accepts. */
export interface OwnershipService {
  find(organisationId: string): Promise<OwnershipOfferRow | undefined>;
  /** In place of an offer that is open. @throws NOT_FOUND for one who is no member · CONFLICT */
  offer(
    actorId: string,
    organisation: OrganisationRecord,
    input: { readonly memberId: string; readonly keepsOwnership: boolean },
  ): Promise<OwnershipOfferRow>;
  /** @throws NOT_FOUND when there is none for this account */
  accept(accountId: string, organisationId: string): Promise<void>;
  /** Declines it, or takes it back. @throws NOT_FOUND when there is none that the account may end */
  end(accountId: string, organisationId: string): Promise<void>;
}

const LIFETIME_MS = 7 * 24 * 60 * 60_000;

export function createOwnershipService({ sql, clock, changes, audit }: TeamOptions): OwnershipService {
  return {
    async find(organisationId) {
      return await sql.db
        .selectFrom("ownership_offers")
        .selectAll()
        .where("organisation_id", "=", organisationId)
        .where("expires_at", ">", clock.now())
        .executeTakeFirst();
    },

    async offer(actorId, { id, personalAccountId }, { memberId, keepsOwnership }) {
      if (personalAccountId !== null) {
        throw new AerostackError("CONFLICT", {
          message: "An account's own organisation cannot be given away.",
          fix: "Move its projects to another organisation.",
        });
      }
      const now = clock.now();
      const row: OwnershipOfferRow = {
        organisation_id: id,
        from_account_id: actorId,
        to_account_id: memberId,
        keeps_ownership: keepsOwnership ? 1 : 0,
        created_at: now,
        expires_at: now + LIFETIME_MS,
      };
      await sql.transaction(async (trx) => {
        await requireAuthority(trx, id, actorId, "ownership.transfer");
        const member = await memberStore.find(trx, id, memberId);
        if (member === undefined) throw memberNotFound();
        if (member.role === "owner") throw new AerostackError("CONFLICT", { message: "That member is an owner." });
        await trx.deleteFrom("ownership_offers").where("organisation_id", "=", id).execute();
        await trx.insertInto("ownership_offers").values(row).execute();
        await audit.record(trx, {
          action: "ownership.offered",
          target: { kind: "account", id: memberId },
          organisationId: id,
          after: { keepsOwnership },
        });
      });
      return row;
    },

    async accept(accountId, organisationId) {
      await changes.commit(sql, [`organisation:${organisationId}`], async (trx) => {
        const offer = await trx
          .deleteFrom("ownership_offers")
          .where("organisation_id", "=", organisationId)
          .where("to_account_id", "=", accountId)
          .where("expires_at", ">", clock.now())
          .returningAll()
          .executeTakeFirst();
        const from =
          offer === undefined ? undefined : await memberStore.find(trx, organisationId, offer.from_account_id);
        if (offer === undefined || from?.role !== "owner") throw offerNotFound();
        await memberStore.setRole(trx, organisationId, accountId, "owner");
        if (offer.keeps_ownership === 0) await memberStore.setRole(trx, organisationId, from.id, "admin");
        await audit.record(trx, {
          action: "ownership.accepted",
          target: { kind: "account", id: accountId },
          organisationId,
          before: { owner: from.id },
          after: { owner: accountId, keepsOwnership: offer.keeps_ownership === 1 },
        });
      });
    },

    async end(accountId, organisationId) {
      await sql.transaction(async (trx) => {
        const member = await memberStore.find(trx, organisationId, accountId);
        const ended =
          member === undefined
            ? undefined
            : await trx
                .deleteFrom("ownership_offers")
                .where("organisation_id", "=", organisationId)
                .$if(member.role !== "owner", (query) => query.where("to_account_id", "=", accountId))
                .returning("to_account_id")
                .executeTakeFirst();
        if (ended === undefined) throw offerNotFound();
        await audit.record(trx, {
          action: ended.to_account_id === accountId ? "ownership.declined" : "ownership.withdrawn",
          target: { kind: "account", id: ended.to_account_id },
          organisationId,
        });
      });
    },
  };
}

function offerNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "There is no open offer of ownership for you." });
}
