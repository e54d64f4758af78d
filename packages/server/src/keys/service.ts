import { AerostackError, type ProjectKeyKind } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { newKey } from "../kernel/crypto/new-key.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { ProjectRecord, ProjectService } from "../projects/service.ts";
import type { ResolvedCredential } from "./principal.ts";
import { type ProjectKeyRow, projectKeyStore } from "./store.ts";
import type { ProjectKeyTables } from "./tables.ts";

/**
 * Responsible for the keys of projects: who holds one acts for its project. Never keeps a key itself, only its SHA-256,
 * so what is shown at creation cannot be shown again.
 */
export interface ProjectKeyService {
  create(
    project: ProjectRecord,
    input: NewProjectKey,
  ): Promise<{ readonly row: ProjectKeyRow; readonly secret: string }>;
  list(project: ProjectRecord, page: PageRequest): Promise<Page<ProjectKeyRow>>;
  /** @throws NOT_FOUND when the project has no such key. */
  revoke(project: ProjectRecord, keyId: string): Promise<void>;
  /** The key of this text; null when it is unknown, revoked or expired, or its project is gone. */
  find(key: string): Promise<ResolvedCredential | null>;
  markUsed(keyIds: readonly string[], usedAtMs: number): Promise<void>;
}

export interface NewProjectKey {
  readonly name: string;
  readonly kind: ProjectKeyKind;
  readonly expiresAtMs?: number | undefined;
}

const MAX_ACTIVE_KEYS = 1_000;

export interface ProjectKeyServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly projects: ProjectService;
}

export function createProjectKeyService(options: ProjectKeyServiceOptions): ProjectKeyService {
  const { clock, changes, projects } = options;
  const sql = options.sql.withTables<ProjectKeyTables>();
  return {
    async create(project, { name, kind, expiresAtMs }) {
      const now = clock.now();
      if (expiresAtMs !== undefined && expiresAtMs <= now) {
        throw new AerostackError("VALIDATION_ERROR", {
          message: "The key would have expired already.",
          details: { fieldErrors: { expiresAt: ["must be in the future"] } },
        });
      }
      if ((await projectKeyStore.countActive(sql.db, project.id)) >= MAX_ACTIVE_KEYS) {
        throw new AerostackError("CONFLICT", {
          message: `A project has at most ${MAX_ACTIVE_KEYS} keys.`,
          fix: "Revoke keys that are not used any more.",
        });
      }
      const key = newKey(kind === "public" ? "pk" : "sk");
      const row: ProjectKeyRow = {
        id: createId("key", now),
        project_id: project.id,
        name,
        kind,
        prefix: key.prefix,
        hash: key.hash,
        created_at: now,
        expires_at: expiresAtMs ?? null,
        last_used_at: null,
        revoked_at: null,
      };
      await projectKeyStore.insert(sql.db, row);
      return { row, secret: key.secret };
    },
    async list(project, page) {
      return toPage(await projectKeyStore.list(sql.db, project.id, page), page.limit);
    },
    async revoke(project, keyId) {
      const revoked = await changes.commit(sql, [`key:${keyId}`], (trx) =>
        projectKeyStore.revoke(trx, project.id, keyId, clock.now()),
      );
      if (!revoked) throw new AerostackError("NOT_FOUND", { message: "There is no such key." });
    },
    async find(key) {
      const row = await projectKeyStore.findByHash(sql.db, hashToken(key));
      if (row === undefined || row.revoked_at !== null) return null;
      if (row.expires_at !== null && row.expires_at <= clock.now()) return null;
      const project = await projects.find(row.project_id);
      if (project === undefined) return null;
      return {
        principal: {
          kind: "project",
          projectId: project.id,
          projectSlug: project.slug,
          ownerId: project.ownerId,
          access: row.kind,
          via: "key",
          credentialId: row.id,
        },
        expiresAtMs: row.expires_at,
        subjects: [`key:${row.id}`, `project:${project.id}`, `account:${project.ownerId}`],
      };
    },
    markUsed: (keyIds, usedAtMs) => projectKeyStore.markUsed(sql.db, keyIds, usedAtMs),
  };
}
