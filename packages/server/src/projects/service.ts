import { AerostackError } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Logger } from "../kernel/log.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Principal } from "../keys/principal.ts";
import { slugOf, withSuffix } from "./slug.ts";
import { type ProjectRow, projectStore } from "./store.ts";
import type { ProjectTables } from "./tables.ts";

/**
 * Responsible for which projects there are and whom they belong to. Knows nothing of what a project holds: whoever keeps
 * something for a project registers how it is removed.
 */
export interface ProjectRecord {
  readonly id: string;
  readonly ownerId: string;
  readonly name: string;
  readonly slug: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Removes what a capability keeps for a project. Runs again after a failure, so it accepts that part is gone. */
export type ProjectCleanup = (project: ProjectRecord) => Promise<void>;

export interface ProjectService {
  create(ownerId: string, name: string): Promise<ProjectRecord>;
  list(ownerId: string, page: PageRequest): Promise<Page<ProjectRecord>>;
  /**
   * A project by id or slug, for a principal that may manage it: its owner, or its own secret key.
   *
   * @throws NOT_FOUND, the same for a project of somebody else as for none.
   */
  require(principal: Principal, idOrSlug: string): Promise<ProjectRecord>;
  /** The same by id, slug or, where neither fits, name; undefined when there is none. */
  lookUp(principal: Principal, idSlugOrName: string): Promise<ProjectRecord | undefined>;
  /** By id or slug, whoever asks: for the platform itself. */
  find(idOrSlug: string): Promise<ProjectRecord | undefined>;
  rename(project: ProjectRecord, name: string): Promise<ProjectRecord>;
  /** Gone for everybody at once; resolves when everything that belonged to it is removed. */
  delete(project: ProjectRecord): Promise<void>;
  /** Cleanups run in the opposite order of their registration. */
  onDelete(name: string, cleanup: ProjectCleanup): void;
  /** Goes on with deletions that a crash or failure interrupted. */
  resumeDeletions(): Promise<void>;
}

const SLUG_ATTEMPTS = 6;

export interface ProjectServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly log: Logger;
}

export function createProjectService({ sql: untyped, clock, changes, log }: ProjectServiceOptions): ProjectService {
  const sql = untyped.withTables<ProjectTables>();
  const cleanups: { readonly name: string; readonly cleanup: ProjectCleanup }[] = [];

  async function find(idOrSlug: string): Promise<ProjectRecord | undefined> {
    const row = await projectStore.find(sql.db, idOrSlug);
    return row === undefined ? undefined : toRecord(row);
  }

  async function lookUpById(principal: Principal, idOrSlug: string): Promise<ProjectRecord | undefined> {
    const project = await find(idOrSlug);
    return project !== undefined && mayManage(principal, project) ? project : undefined;
  }

  async function finishDeletion(project: ProjectRecord): Promise<void> {
    for (const { name, cleanup } of [...cleanups].reverse()) {
      log.debug({ projectId: project.id, cleanup: name }, "removing what belonged to a project");
      await cleanup(project);
    }
    await projectStore.remove(sql.db, project.id);
    log.info({ projectId: project.id }, "project deleted");
  }

  return {
    async create(ownerId, name) {
      const now = clock.now();
      const base = slugOf(name);
      for (let attempt = 0; attempt < SLUG_ATTEMPTS; attempt++) {
        const row: ProjectRow = {
          id: createId("prj", now),
          owner_id: ownerId,
          name,
          slug: attempt === 0 ? base : withSuffix(base),
          created_at: now,
          updated_at: now,
          deleted_at: null,
        };
        if (await projectStore.insert(sql.db, row)) return toRecord(row);
      }
      throw new AerostackError("CONFLICT", { message: "No free address was found for this name." });
    },
    async list(ownerId, page) {
      const rows = await projectStore.list(sql.db, ownerId, page);
      return toPage(rows.map(toRecord), page.limit);
    },
    async require(principal, idOrSlug) {
      const project = await lookUpById(principal, idOrSlug);
      if (project === undefined) throw projectNotFound();
      return project;
    },
    async lookUp(principal, text) {
      const project = await lookUpById(principal, text);
      if (project !== undefined || principal.kind !== "account") return project;
      const row = await projectStore.findByName(sql.db, principal.accountId, text);
      return row === undefined ? undefined : toRecord(row);
    },
    find,
    async rename(project, name) {
      const now = clock.now();
      await projectStore.rename(sql.db, project.id, name, now);
      return { ...project, name, updatedAtMs: now };
    },
    async delete(project) {
      await changes.commit(sql, [`project:${project.id}`], (trx) =>
        projectStore.markDeleted(trx, project.id, clock.now()),
      );
      await finishDeletion(project);
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
    fix: "Check the id or slug, and that the credential belongs to the project's owner.",
  });
}

function mayManage(principal: Principal, project: ProjectRecord): boolean {
  return principal.kind === "account"
    ? principal.accountId === project.ownerId
    : principal.projectId === project.id && principal.access === "secret";
}

function toRecord(row: ProjectRow): ProjectRecord {
  return {
    id: row.id,
    ownerId: row.owner_id,
    name: row.name,
    slug: row.slug,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}
