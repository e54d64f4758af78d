import { AerostackError, type Permission } from "@aerostack/contracts";
import type { Kysely } from "kysely";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import { NO_ACCESS, readAccess } from "./access.ts";
import { requireAuthority, requireNoMoreThan, requireRole } from "./authority.ts";
import { holdOrganisation } from "./hold-organisation.ts";
import { memberStore } from "./member-store.ts";
import { memberNotFound } from "./organisation.ts";
import { type ProjectPlace, permissionMissing } from "./permissions.ts";
import type { TeamTables } from "./tables.ts";
import type { TeamOptions } from "./team-options.ts";

export interface ProjectAccessRecord {
  /** The account's. */
  readonly id: string;
  readonly email: string;
  readonly role: string;
}

/** Responsible for what members may do in one project instead of everywhere, and for whose a project is. */
export interface ProjectAccessService {
  list(projectId: string, page: PageRequest): Promise<Page<ProjectAccessRecord>>;
  /** @throws NOT_FOUND for one who is no member · FORBIDDEN beyond one's own rights · CONFLICT for an owner */
  put(actorId: string, project: ProjectPlace, memberId: string, role: string): Promise<ProjectAccessRecord>;
  /** The member's role in the organisation counts again. @throws NOT_FOUND · FORBIDDEN */
  remove(actorId: string, project: ProjectPlace, memberId: string): Promise<void>;
  /** The project belongs to another organisation; who may do what with it is a matter of roles there. */
  move(actorId: string, project: ProjectPlace, organisationId: string): Promise<void>;
}

export function createProjectAccessService({ sql, clock, changes, audit }: TeamOptions): ProjectAccessService {
  /** What somebody may do with the project, as the transaction sees it. */
  async function permissionsIn(
    trx: Kysely<TeamTables>,
    project: ProjectPlace,
    accountId: string,
  ): Promise<ReadonlySet<Permission> | undefined> {
    const organisation = (await readAccess(trx, accountId)).get(project.organisationId);
    return organisation?.projects.get(project.id) ?? organisation?.permissions;
  }

  async function requireBelow(trx: Kysely<TeamTables>, actorId: string, project: ProjectPlace, memberId: string) {
    const own = await permissionsIn(trx, project, actorId);
    if (own?.has("members.write") !== true) throw permissionMissing("members.write");
    const member = await memberStore.find(trx, project.organisationId, memberId);
    if (member === undefined) throw memberNotFound();
    if (member.role === "owner") {
      throw new AerostackError("CONFLICT", { message: "Owners have every right in every project." });
    }
    requireNoMoreThan(own, (await permissionsIn(trx, project, memberId)) ?? new Set());
    return { own, member };
  }

  return {
    async list(projectId, { limit, cursor }) {
      let query = sql.db
        .selectFrom("project_access as access")
        .innerJoin("accounts as account", "account.id", "access.account_id")
        .select(["account.id", "account.email", "access.role"])
        .where("access.project_id", "=", projectId);
      if (cursor !== undefined) query = query.where("account.id", ">", cursor);
      const rows = await query
        .orderBy("account.id")
        .limit(limit + 1)
        .execute();
      return toPage(rows, limit);
    },

    async put(actorId, project, memberId, role) {
      return await changes.commit(sql, [`account:${memberId}`], async (trx) => {
        const { own, member } = await requireBelow(trx, actorId, project, memberId);
        if (role !== NO_ACCESS) requireNoMoreThan(own, await requireRole(trx, project.organisationId, role));
        const before = await remove(trx, project.id, memberId);
        const row = { project_id: project.id, account_id: memberId, role, created_at: clock.now() };
        await trx.insertInto("project_access").values(row).execute();
        await audit.record(trx, {
          action: "project_access.changed",
          target: { kind: "account", id: memberId },
          projectId: project.id,
          organisationId: project.organisationId,
          before: { role: before ?? null },
          after: { role },
        });
        return { id: memberId, email: member.email, role };
      });
    },

    async remove(actorId, project, memberId) {
      await changes.commit(sql, [`account:${memberId}`], async (trx) => {
        const { own, member } = await requireBelow(trx, actorId, project, memberId);
        // What the member gets back may be more than what is taken.
        requireNoMoreThan(own, await requireRole(trx, project.organisationId, member.role));
        const before = await remove(trx, project.id, memberId);
        if (before === undefined)
          throw new AerostackError("NOT_FOUND", { message: "The member has no other role here." });
        await audit.record(trx, {
          action: "project_access.removed",
          target: { kind: "account", id: memberId },
          projectId: project.id,
          organisationId: project.organisationId,
          before: { role: before },
        });
      });
    },

    async move(actorId, project, organisationId) {
      const { id, organisationId: fromId } = project;
      const subjects = [`organisation:${fromId}`, `organisation:${organisationId}`, `project:${id}`];
      await changes.commit(sql, subjects, async (trx) => {
        const own = await permissionsIn(trx, project, actorId);
        if (own?.has("project.delete") !== true) throw permissionMissing("project.delete");
        await requireAuthority(trx, organisationId, actorId, "project.create");
        await holdOrganisation(trx, organisationId);
        await trx
          .updateTable("projects")
          .set({ organisation_id: organisationId, owner_id: actorId, updated_at: clock.now() })
          .where("id", "=", id)
          .where("organisation_id", "=", fromId)
          .execute();
        await trx.deleteFrom("project_access").where("project_id", "=", id).execute();
        await audit.record(trx, {
          action: "project.moved",
          target: { kind: "project", id },
          projectId: id,
          organisationId,
          before: { organisation: fromId },
          after: { organisation: organisationId },
        });
      });
    },
  };
}

async function remove(trx: Kysely<TeamTables>, projectId: string, accountId: string): Promise<string | undefined> {
  const row = await trx
    .deleteFrom("project_access")
    .where("project_id", "=", projectId)
    .where("account_id", "=", accountId)
    .returning("role")
    .executeTakeFirst();
  return row?.role;
}
