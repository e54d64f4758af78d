import { AerostackError } from "@aerostack/contracts";
import type { Kysely } from "kysely";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import { refuseOwnerRole, requireAuthority, requireNoMoreThan, requireRole } from "./authority.ts";
import { type MemberRecord, memberStore } from "./member-store.ts";
import { memberNotFound, type OrganisationRecord } from "./organisation.ts";
import { roleStore } from "./role-store.ts";
import type { TeamTables } from "./tables.ts";
import type { TeamOptions } from "./team-options.ts";

/** Responsible for who belongs to an organisation and with what role. There is always an owner. */
export interface MemberService {
  list(organisationId: string, page: PageRequest): Promise<Page<MemberRecord>>;
  /** @throws NOT_FOUND · FORBIDDEN beyond one's own rights · CONFLICT for the last owner */
  changeRole(actorId: string, organisation: OrganisationRecord, memberId: string, role: string): Promise<MemberRecord>;
  /** The member can do nothing more there within a second. @throws as `changeRole` */
  remove(actorId: string, organisation: OrganisationRecord, memberId: string): Promise<void>;
  /** @throws CONFLICT for the last owner */
  leave(accountId: string, organisation: OrganisationRecord): Promise<void>;
}

export function createMemberService({ sql, changes, audit }: TeamOptions): MemberService {
  /** The member, whom the actor has at least the rights of. */
  async function requireBelow(trx: Kysely<TeamTables>, actorId: string, organisationId: string, memberId: string) {
    const own = await requireAuthority(trx, organisationId, actorId, "members.write");
    const member = await memberStore.find(trx, organisationId, memberId);
    if (member === undefined) throw memberNotFound();
    requireNoMoreThan(own, (await roleStore.permissionsOf(trx, organisationId, member.role)) ?? new Set());
    return { member, own };
  }

  async function takeOut(
    trx: Kysely<TeamTables>,
    organisation: OrganisationRecord,
    member: MemberRecord,
    action: "member.removed" | "member.left",
  ): Promise<void> {
    const heirId = await requireOtherOwner(trx, organisation, member);
    await memberStore.remove(trx, organisation.id, member.id, heirId);
    await audit.record(trx, {
      action,
      target: { kind: "account", id: member.id },
      organisationId: organisation.id,
      before: { role: member.role },
    });
  }

  return {
    async list(organisationId, page) {
      return toPage(await memberStore.list(sql.db, organisationId, page), page.limit);
    },

    async changeRole(actorId, organisation, memberId, role) {
      refuseOwnerRole(role);
      return await changes.commit(sql, [`account:${memberId}`], async (trx) => {
        const { member, own } = await requireBelow(trx, actorId, organisation.id, memberId);
        requireNoMoreThan(own, await requireRole(trx, organisation.id, role));
        if (member.role === "owner") await requireOtherOwner(trx, organisation, member);
        await memberStore.setRole(trx, organisation.id, memberId, role);
        await audit.record(trx, {
          action: "member.role_changed",
          target: { kind: "account", id: memberId },
          organisationId: organisation.id,
          before: { role: member.role },
          after: { role },
        });
        return { ...member, role };
      });
    },

    async remove(actorId, organisation, memberId) {
      await changes.commit(sql, [`account:${memberId}`], async (trx) => {
        const { member } = await requireBelow(trx, actorId, organisation.id, memberId);
        await takeOut(trx, organisation, member, "member.removed");
      });
    },

    async leave(accountId, organisation) {
      await changes.commit(sql, [`account:${accountId}`], async (trx) => {
        const member = await memberStore.find(trx, organisation.id, accountId);
        if (member === undefined) throw memberNotFound();
        await takeOut(trx, organisation, member, "member.left");
      });
    },
  };
}

/** An owner who stays when this one goes. @throws CONFLICT when there is none, and for whose own organisation it is */
async function requireOtherOwner(
  trx: Kysely<TeamTables>,
  organisation: OrganisationRecord,
  member: MemberRecord,
): Promise<string> {
  if (organisation.personalAccountId === member.id) {
    throw new AerostackError("CONFLICT", {
      message: "This is the account's own organisation: its owner stays.",
      fix: "Move its projects to another organisation.",
    });
  }
  const owners = await memberStore.ownerIds(trx, organisation.id);
  const heirId = owners.find((id) => id !== member.id);
  if (heirId !== undefined) return heirId;
  throw new AerostackError("CONFLICT", {
    message: "An organisation always has an owner, and this is the last one.",
    fix: "Offer ownership to another member first, or delete the organisation.",
  });
}
