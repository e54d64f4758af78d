import { AerostackError } from "@aerostack/contracts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import { memberStore } from "./member-store.ts";
import { memberNotFound, type OrganisationRecord, organisationNotFound } from "./organisation.ts";
import { organisationStore } from "./store.ts";
import type { TeamOptions } from "./team-options.ts";

/**
 * Responsible for organisations whose last owner's account has ended. Their members go on with the roles that they have; what
 * needs an owner waits until an operator appoints one.
 */
export interface OwnerlessOrganisations {
  list(page: PageRequest): Promise<Page<OrganisationRecord>>;
  /** @throws NOT_FOUND · CONFLICT while there is an owner: operators take nothing from one */
  appoint(organisationId: string, memberId: string): Promise<void>;
}

export function createOwnerlessOrganisations({ sql, changes, audit }: TeamOptions): OwnerlessOrganisations {
  return {
    list: async (page) => toPage(await organisationStore.listOwnerless(sql.db, page), page.limit),

    async appoint(organisationId, memberId) {
      await changes.commit(sql, [`organisation:${organisationId}`], async (trx) => {
        if ((await organisationStore.find(trx, organisationId)) === undefined) throw organisationNotFound();
        if ((await memberStore.ownerIds(trx, organisationId)).length > 0) {
          throw new AerostackError("CONFLICT", {
            message: "The organisation has an owner.",
            fix: "An owner gives it to another member.",
          });
        }
        const member = await memberStore.find(trx, organisationId, memberId);
        if (member === undefined) throw memberNotFound();
        await memberStore.setRole(trx, organisationId, memberId, "owner");
        await audit.record(trx, {
          action: "ownership.appointed",
          target: { kind: "account", id: memberId },
          organisationId,
          before: { role: member.role },
          after: { role: "owner" },
        });
      });
    },
  };
}
