import { AerostackError, PERMISSIONS, type Permission } from "@aerostack/contracts";
import { createId } from "@aerostack/kernel";
import { isUniqueViolation } from "../kernel/sql/index.ts";
import { readPermissions } from "./access.ts";
import { requireAuthority, requireNoMoreThan } from "./authority.ts";
import { BUILT_IN_ROLES, isBuiltInRole } from "./permissions.ts";
import { type RoleRow, roleStore } from "./role-store.ts";
import type { TeamOptions } from "./team-options.ts";

/** Responsible for the roles that an organisation makes for itself. */
export interface RoleService {
  list(organisationId: string): Promise<readonly RoleRow[]>;
  /** @throws FORBIDDEN for rights beyond one's own · CONFLICT when the name is taken */
  create(actorId: string, organisationId: string, input: NewRole): Promise<RoleRow>;
  /** Every member with the role has the new rights within a second. @throws as `create`, NOT_FOUND */
  update(actorId: string, organisationId: string, roleId: string, input: Partial<NewRole>): Promise<RoleRow>;
  /** @throws CONFLICT while somebody has it · NOT_FOUND */
  remove(actorId: string, organisationId: string, roleId: string): Promise<void>;
}

export interface NewRole {
  readonly name: string;
  readonly permissions: readonly Permission[];
}

const MAX_ROLES = 50;

export function createRoleService({ sql, clock, changes, audit }: TeamOptions): RoleService {
  const target = (id: string) => ({ kind: "role", id });

  return {
    list: (organisationId) => roleStore.list(sql.db, organisationId),

    async create(actorId, organisationId, { name, permissions }) {
      refuseBuiltInName(name);
      requireSeeing(permissions);
      const now = clock.now();
      const row: RoleRow = {
        id: createId("rol", now),
        organisation_id: organisationId,
        name,
        permissions: JSON.stringify(permissions),
        created_at: now,
        updated_at: now,
      };
      await orNameTaken(
        sql.transaction(async (trx) => {
          requireNoMoreThan(await requireAuthority(trx, organisationId, actorId, "roles.write"), new Set(permissions));
          if ((await roleStore.list(trx, organisationId)).length >= MAX_ROLES) {
            throw new AerostackError("CONFLICT", { message: `An organisation has at most ${MAX_ROLES} own roles.` });
          }
          await roleStore.insert(trx, row);
          await audit.record(trx, {
            action: "role.created",
            target: target(row.id),
            organisationId,
            after: { name, permissions },
          });
        }),
      );
      return row;
    },

    async update(actorId, organisationId, roleId, { name, permissions }) {
      if (name !== undefined) refuseBuiltInName(name);
      if (permissions !== undefined) requireSeeing(permissions);
      const work = changes.commit(sql, [`organisation:${organisationId}`], async (trx) => {
        const own = await requireAuthority(trx, organisationId, actorId, "roles.write");
        const row = await roleStore.find(trx, organisationId, roleId);
        if (row === undefined) throw roleNotFound();
        requireNoMoreThan(own, readPermissions(row.permissions));
        requireNoMoreThan(own, new Set(permissions));
        const changed = {
          name: name ?? row.name,
          permissions: permissions === undefined ? row.permissions : JSON.stringify(permissions),
          updated_at: clock.now(),
        };
        await roleStore.update(trx, roleId, changed);
        await audit.record(trx, {
          action: "role.changed",
          target: target(roleId),
          organisationId,
          before: { name: row.name, permissions: JSON.parse(row.permissions) as unknown },
          after: { name: changed.name, permissions: JSON.parse(changed.permissions) as unknown },
        });
        return { ...row, ...changed };
      });
      return await orNameTaken(work);
    },

    async remove(actorId, organisationId, roleId) {
      await sql.transaction(async (trx) => {
        const own = await requireAuthority(trx, organisationId, actorId, "roles.write");
        const row = await roleStore.find(trx, organisationId, roleId);
        if (row === undefined) throw roleNotFound();
        requireNoMoreThan(own, readPermissions(row.permissions));
        if (await roleStore.isUsed(trx, roleId)) {
          throw new AerostackError("CONFLICT", {
            message: "Members, projects or invitations still have this role.",
            fix: "Give them another role first.",
          });
        }
        await roleStore.remove(trx, roleId);
        await audit.record(trx, {
          action: "role.removed",
          target: target(roleId),
          organisationId,
          before: { name: row.name, permissions: JSON.parse(row.permissions) as unknown },
        });
      });
    },
  };
}

function roleNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "The organisation has no such role of its own." });
}

function refuseBuiltInName(name: string): void {
  const taken = name.toLowerCase();
  if (!isBuiltInRole(taken) && taken !== "none") return;
  throw new AerostackError("VALIDATION_ERROR", {
    message: `${BUILT_IN_ROLES.join(", ")} and none are names of the platform's own.`,
    details: { fieldErrors: { name: ["is taken"] } },
  });
}

/** A right to projects that one may not see would be none, and nobody would find out why. */
function requireSeeing(permissions: readonly Permission[]): void {
  const blind = permissions.find((one) => PERMISSIONS[one].scope === "project");
  if (blind === undefined || permissions.includes("project.read")) return;
  throw new AerostackError("VALIDATION_ERROR", {
    message: `'${blind}' is of no use without 'project.read'.`,
    details: { fieldErrors: { permissions: ["needs project.read"] } },
  });
}

async function orNameTaken<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AerostackError("CONFLICT", { message: "The organisation has a role of that name." });
  }
}
