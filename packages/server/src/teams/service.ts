import { AerostackError, type Permission } from "@aerostack/contracts";
import { createId } from "@aerostack/kernel";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { AccountPrincipal, Principal } from "../keys/principal.ts";
import { requireAuthority } from "./authority.ts";
import { holdOrganisation } from "./hold-organisation.ts";
import { memberStore } from "./member-store.ts";
import { type OrganisationRecord, organisationNotFound } from "./organisation.ts";
import { permissionMissing } from "./permissions.ts";
import { organisationStore, toOrganisation } from "./store.ts";
import type { TeamOptions } from "./team-options.ts";

/** Responsible for which organisations there are. Who belongs to them is in `members.ts`, how people join in others. */
export interface OrganisationService {
  create(accountId: string, name: string): Promise<OrganisationRecord>;
  /** Whoever asks. */
  find(id: string): Promise<OrganisationRecord | undefined>;
  /** Those that the principal belongs to. */
  list(principal: AccountPrincipal, page: PageRequest): Promise<Page<OrganisationRecord>>;
  /**
   * An organisation, for an account that may do that in it.
   *
   * @throws NOT_FOUND, the same for one that the account is no member of as for none · FORBIDDEN, naming the permission
   */
  require(principal: Principal, id: string, permission: Permission): Promise<OrganisationRecord>;
  rename(accountId: string, organisation: OrganisationRecord, name: string): Promise<OrganisationRecord>;
  /** @throws CONFLICT while it has projects, and for a personal one */
  delete(accountId: string, organisation: OrganisationRecord): Promise<void>;
  /** What is left of one whose deletion was kept back. */
  removeKept(organisationId: string): Promise<void>;
}

/** Of one account: a bound for programs that run away. */
const MAX_MEMBERSHIPS = 200;

export function createOrganisationService({ sql, clock, changes, audit, holds }: TeamOptions): OrganisationService {
  return {
    async create(accountId, name) {
      const now = clock.now();
      const row = {
        id: createId("org", now),
        name,
        personal_account_id: null,
        picture_id: null,
        picture_blob: null,
        created_at: now,
        updated_at: now,
      };
      await changes.commit(sql, [`account:${accountId}`], async (trx) => {
        const { count } = await trx
          .selectFrom("organisation_members")
          .select((eb) => eb.fn.countAll<number>().as("count"))
          .where("account_id", "=", accountId)
          .executeTakeFirstOrThrow();
        if (count >= MAX_MEMBERSHIPS) {
          throw new AerostackError("CONFLICT", {
            message: `An account belongs to at most ${MAX_MEMBERSHIPS} organisations.`,
          });
        }
        await organisationStore.insert(trx, row);
        await memberStore.insert(trx, row.id, accountId, "owner", now);
        await audit.record(trx, {
          action: "organisation.created",
          target: { kind: "organisation", id: row.id },
          organisationId: row.id,
          after: { name },
        });
      });
      return toOrganisation(row);
    },

    find: (id) => organisationStore.find(sql.db, id),

    async list({ access }, page) {
      return toPage(await organisationStore.list(sql.db, [...access.keys()], page), page.limit);
    },

    async require(principal, id, permission) {
      const access = principal.kind === "account" ? principal.access.get(id) : undefined;
      const organisation = access === undefined ? undefined : await organisationStore.find(sql.db, id);
      if (access === undefined || organisation === undefined) throw organisationNotFound();
      if (!access.permissions.has(permission)) throw permissionMissing(permission);
      return organisation;
    },

    async rename(accountId, organisation, name) {
      const now = clock.now();
      await sql.transaction(async (trx) => {
        await requireAuthority(trx, organisation.id, accountId, "organisation.write");
        await organisationStore.rename(trx, organisation.id, name, now);
        await audit.record(trx, {
          action: "organisation.renamed",
          target: { kind: "organisation", id: organisation.id },
          organisationId: organisation.id,
          before: { name: organisation.name },
          after: { name },
        });
      });
      return { ...organisation, name, updatedAtMs: now };
    },

    async delete(accountId, { id, name, personalAccountId }) {
      if (personalAccountId !== null) {
        throw new AerostackError("CONFLICT", {
          message: "An account's own organisation stays as long as the account.",
        });
      }
      await changes.commit(sql, [`organisation:${id}`], async (trx) => {
        await holdOrganisation(trx, id);
        await requireAuthority(trx, id, accountId, "organisation.delete");
        if (await organisationStore.hasLiveProjects(trx, id)) {
          throw new AerostackError("CONFLICT", {
            message: "The organisation still has projects.",
            fix: "Delete them or move them to another organisation first.",
          });
        }
        // Its deleted projects may still be there, being removed or kept back: the row goes once they are gone.
        if ((await holds.ofOrganisation(trx, id)) || (await holds.hasDeletedProjects(trx, id))) {
          await holds.keepOrganisation(trx, id);
          await organisationStore.leaveWithoutMembers(trx, id);
        } else await organisationStore.remove(trx, id);
        await audit.record(trx, {
          action: "organisation.deleted",
          target: { kind: "organisation", id },
          organisationId: id,
          before: { name },
        });
      });
    },

    async removeKept(organisationId) {
      await sql.transaction((trx) => organisationStore.remove(trx, organisationId));
    },
  };
}
