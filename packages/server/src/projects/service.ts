import { AerostackError, type Permission } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Logger } from "../kernel/log.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { AccountPrincipal, Principal } from "../keys/principal.ts";
import type { Holds } from "../legal/holds.ts";
import { holdOrganisation } from "../teams/hold-organisation.ts";
import { can, canSee, type ProjectPlace, permissionMissing } from "../teams/permissions.ts";
import { personalOrganisationId } from "../teams/tables.ts";
import { slugOf, withSuffix } from "./slug.ts";
import { type ProjectRow, projectStore, type VisibleProjects } from "./store.ts";
import type { ProjectTables } from "./tables.ts";

/**
 * Responsible for which projects there are and whom they belong to. Knows nothing of what a project holds: whoever keeps
 * something for a project registers how it is removed.
 */
export interface ProjectRecord {
  readonly id: string;
  /** Who made it, or answers for it now; who may do what is a matter of roles in the organisation. */
  readonly ownerId: string;
  readonly organisationId: string;
  readonly name: string;
  readonly slug: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Removes what a capability keeps for a project. Runs again after a failure, so it accepts that part is gone. */
export type ProjectCleanup = (project: ProjectRecord) => Promise<void>;

export interface ProjectService {
  /** Whether the account may do that in the organisation is for whoever calls to know. */
  create(ownerId: string, name: string, organisationId?: string): Promise<ProjectRecord>;
  /** Those that the account may see: of all its organisations, or of one. */
  list(principal: AccountPrincipal, page: PageRequest, organisationId?: string): Promise<Page<ProjectRecord>>;
  /**
   * A project by id or slug, for a principal that may do that with it: an account by its role, or the project's own
   * secret key.
   *
   * @throws NOT_FOUND, the same for a project that the principal may not see as for none · FORBIDDEN, naming the
   * permission, for one that it may see.
   */
  require(principal: Principal, idOrSlug: string, permission: Permission): Promise<ProjectRecord>;
  /** The same by id, slug or, where neither fits, name; undefined when there is none. */
  lookUp(principal: Principal, idSlugOrName: string): Promise<ProjectRecord | undefined>;
  /** Whether the principal may do that with a project that is known. */
  allows(principal: Principal, permission: Permission, project: ProjectPlace): boolean;
  /** By id or slug, whoever asks: for the platform itself. */
  find(idOrSlug: string): Promise<ProjectRecord | undefined>;
  rename(project: ProjectRecord, name: string): Promise<ProjectRecord>;
  /** Gone for everybody at once; resolves when everything that belonged to it is removed, or a legal hold keeps that back. */
  delete(project: ProjectRecord): Promise<void>;
  /** Cleanups run in the opposite order of their registration. */
  onDelete(name: string, cleanup: ProjectCleanup): void;
  /** Ids of all projects of organisations, whatever state they are in. */
  idsIn(organisationIds: readonly string[]): Promise<readonly string[]>;
  /**
   * Makes all projects of organisations answer nothing, or answer again, in the transaction of its cause, which announces them.
   *
   * @param sinceMs null: they answer again
   */
  suspend<Tables>(trx: Kysely<Tables>, organisationIds: readonly string[], sinceMs: number | null): Promise<void>;
  /** Resolves when they and everything that belonged to them is removed. */
  deleteAllIn(organisationIds: readonly string[]): Promise<void>;
  /** Goes on with deletions that a crash or failure interrupted. */
  resumeDeletions(): Promise<void>;
}

const SLUG_ATTEMPTS = 6;

export interface ProjectServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly audit: Audit;
  /** What keeps a deletion back. */
  readonly holds: Pick<Holds, "ofProject">;
  readonly log: Logger;
}

export function createProjectService(options: ProjectServiceOptions): ProjectService {
  const { sql: untyped, clock, changes, audit, holds, log } = options;
  const sql = untyped.withTables<ProjectTables>();
  const cleanups: { readonly name: string; readonly cleanup: ProjectCleanup }[] = [];

  async function find(idOrSlug: string): Promise<ProjectRecord | undefined> {
    const row = await projectStore.find(sql.db, idOrSlug);
    return row === undefined ? undefined : toRecord(row);
  }

  async function lookUpById(principal: Principal, idOrSlug: string): Promise<ProjectRecord | undefined> {
    const project = await find(idOrSlug);
    if (project === undefined || !canSee(principal, project)) return undefined;
    return principal.kind === "account" || principal.access === "secret" ? project : undefined;
  }

  async function finishDeletion(project: ProjectRecord): Promise<void> {
    if (await holds.ofProject(null, project.id)) {
      log.info({ projectId: project.id }, "a legal hold keeps a project's deletion back");
      return;
    }
    for (const { name, cleanup } of [...cleanups].reverse()) {
      log.debug({ projectId: project.id, cleanup: name }, "removing what belonged to a project");
      await cleanup(project);
    }
    await projectStore.remove(sql.db, project.id);
    log.info({ projectId: project.id }, "project deleted");
  }

  async function remove(project: ProjectRecord): Promise<void> {
    await changes.commit(sql, [`project:${project.id}`], async (trx) => {
      await projectStore.markDeleted(trx, project.id, clock.now());
      const { name, slug } = project;
      await audit.record(trx, { action: "project.deleted", ...placeOf(project), before: { name, slug } });
    });
    await finishDeletion(project);
  }

  return {
    async create(ownerId, name, organisationId = personalOrganisationId(ownerId)) {
      const now = clock.now();
      const base = slugOf(name);
      for (let attempt = 0; attempt < SLUG_ATTEMPTS; attempt++) {
        const row: ProjectRow = {
          id: createId("prj", now),
          owner_id: ownerId,
          organisation_id: organisationId,
          name,
          slug: attempt === 0 ? base : withSuffix(base),
          created_at: now,
          updated_at: now,
          deleted_at: null,
          suspended_at: null,
        };
        const isInserted = await sql.transaction(async (trx) => {
          await holdOrganisation(trx, organisationId);
          if (!(await projectStore.insert(trx, row))) return false;
          await audit.record(trx, {
            action: "project.created",
            ...placeOf(toRecord(row)),
            after: { name, slug: row.slug },
          });
          return true;
        });
        if (isInserted) return toRecord(row);
      }
      throw new AerostackError("CONFLICT", { message: "No free address was found for this name." });
    },
    async list(principal, page, organisationId) {
      const rows = await projectStore.list(sql.db, visibleTo(principal, organisationId), page);
      return toPage(rows.map(toRecord), page.limit);
    },
    async require(principal, idOrSlug, permission) {
      const project = await lookUpById(principal, idOrSlug);
      if (project === undefined) throw projectNotFound();
      if (!can(principal, permission, project)) throw permissionMissing(permission);
      return project;
    },
    async lookUp(principal, text) {
      const project = await lookUpById(principal, text);
      if (project !== undefined || principal.kind !== "account") return project;
      const row = await projectStore.findByName(sql.db, visibleTo(principal), text);
      return row === undefined ? undefined : toRecord(row);
    },
    allows: (principal, permission, project) => can(principal, permission, project),
    find,
    async rename(project, name) {
      const now = clock.now();
      await sql.transaction(async (trx) => {
        const before = await projectStore.find(trx, project.id);
        if (before === undefined) throw projectNotFound();
        await projectStore.rename(trx, project.id, name, now);
        await audit.record(trx, {
          action: "project.changed",
          ...placeOf(project),
          before: { name: before.name },
          after: { name },
        });
      });
      return { ...project, name, updatedAtMs: now };
    },
    delete: remove,
    async idsIn(organisationIds) {
      return (await projectStore.listIn(sql.db, organisationIds)).map(({ id }) => id);
    },
    suspend: (trx, organisationIds, sinceMs) =>
      projectStore.suspend(trx as unknown as Kysely<ProjectTables>, organisationIds, sinceMs),
    async deleteAllIn(organisationIds) {
      for (const row of await projectStore.listIn(sql.db, organisationIds)) await remove(toRecord(row));
    },
    onDelete: (name, cleanup) => void cleanups.push({ name, cleanup }),
    async resumeDeletions() {
      for (const row of await projectStore.listDeleted(sql.db)) {
        try {
          await finishDeletion(toRecord(row));
        } catch (err) {
          log.error(
            { err, projectId: row.id },
            "a project's deletion could not be finished; the next start tries again",
          );
        }
      }
    },
  };
}

/** What a request for a project is answered that does not exist, or not for this principal. */
export function projectNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", {
    message: "There is no such project.",
    fix: "Check the id or slug, and that the credential belongs to a member of the project's organisation.",
  });
}

/** As the audit log names it. */
function placeOf({ id, organisationId }: ProjectRecord) {
  return { target: { kind: "project", id }, projectId: id, organisationId };
}

function visibleTo({ access }: AccountPrincipal, organisationId?: string): VisibleProjects {
  const organisations = [...access].filter(([id]) => organisationId === undefined || id === organisationId);
  const overrides = organisations.flatMap(([, { projects }]) => [...projects]);
  return {
    organisationIds: organisations.filter(([, { permissions }]) => permissions.has("project.read")).map(([id]) => id),
    hiddenIds: overrides.filter(([, permissions]) => !permissions.has("project.read")).map(([id]) => id),
    extraIds: overrides.filter(([, permissions]) => permissions.has("project.read")).map(([id]) => id),
  };
}

function toRecord(row: ProjectRow): ProjectRecord {
  return {
    id: row.id,
    ownerId: row.owner_id,
    organisationId: row.organisation_id,
    name: row.name,
    slug: row.slug,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
