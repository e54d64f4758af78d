import { AerostackError, type ProjectKeyKind } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { mayBeKey } from "../kernel/crypto/new-key.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { ProjectRecord, ProjectService } from "../projects/service.ts";
import { readLimits } from "./key-limits.ts";
import {
  endOfGrace,
  isUsable,
  type MadeKey,
  makeKey,
  type NewKeyInput,
  notRotatable,
  showKey,
  successorLimits,
} from "./key-record.ts";
import type { LeakRevoker } from "./leaked/leaked-keys.ts";
import type { ProjectPrincipal, ResolvedCredential } from "./principal.ts";
import type { MarkUsed } from "./record-uses.ts";
import { type ProjectKeyRow, projectKeyStore } from "./store.ts";
import type { ProjectKeyTables } from "./tables.ts";

/**
 * Responsible for the keys of projects: who holds one acts for its project. Never keeps a key itself, only its SHA-256,
 * so what is shown at creation cannot be shown again.
 */
export interface ProjectKeyService {
  /** @throws CONFLICT · VALIDATION_ERROR · FORBIDDEN where a limited key asks for more than it has */
  create(project: ProjectRecord, input: NewProjectKey): Promise<MadeKey<ProjectKeyRow>>;
  list(project: ProjectRecord, page: PageRequest): Promise<Page<ProjectKeyRow>>;
  /**
   * Makes a key that may do what the old one may; the old one goes on for `graceMs`.
   *
   * @throws NOT_FOUND · CONFLICT when it was rotated, revoked or has expired already
   */
  rotate(
    project: ProjectRecord,
    keyId: string,
    input: { readonly graceMs: number } & Pick<NewKeyInput, "maker">,
  ): Promise<MadeKey<ProjectKeyRow>>;
  /** @throws NOT_FOUND when the project has no such key. */
  revoke(project: ProjectRecord, keyId: string): Promise<void>;
  /** Of secret keys: public ones are made to be seen. */
  readonly revokeLeaked: LeakRevoker;
  /** The key of this text; null when it is unknown, revoked or expired, or its project is gone. */
  find(key: string): Promise<ResolvedCredential<ProjectPrincipal> | null>;
  readonly markUsed: MarkUsed;
}

export interface NewProjectKey extends NewKeyInput {
  readonly kind: ProjectKeyKind;
}

const MAX_ACTIVE_KEYS = 1_000;
const LETTERS: Readonly<Record<ProjectKeyKind, string>> = { public: "pk", secret: "sk" };

export interface ProjectKeyServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly projects: Pick<ProjectService, "find">;
  readonly audit: Audit;
}

export function createProjectKeyService(options: ProjectKeyServiceOptions): ProjectKeyService {
  const { clock, changes, projects, audit } = options;
  const sql = options.sql.withTables<ProjectKeyTables>();

  function placeOf({ id, organisationId }: ProjectRecord) {
    return { projectId: id, organisationId };
  }

  return {
    async create(project, input) {
      const now = clock.now();
      const made = makeKey("key", LETTERS[input.kind], input, now);
      const row: ProjectKeyRow = { ...made.row, project_id: project.id, kind: input.kind };
      await sql.transaction(async (trx) => {
        if ((await projectKeyStore.countActive(trx, project.id, now)) >= MAX_ACTIVE_KEYS) throw tooManyKeys();
        await projectKeyStore.insert(trx, row);
        await audit.record(trx, {
          action: "key.created",
          target: { kind: "key", id: row.id },
          ...placeOf(project),
          after: showProjectKey(row),
        });
      });
      return { row, secret: made.secret };
    },

    async list(project, page) {
      return toPage(await projectKeyStore.list(sql.db, project.id, page), page.limit);
    },

    async rotate(project, keyId, { graceMs, maker }) {
      const now = clock.now();
      return await changes.commit(sql, [`key:${keyId}`], async (trx) => {
        const old = await projectKeyStore.find(trx, project.id, keyId);
        if (old === undefined) throw noSuchKey();
        if (!isUsable(old, now)) throw notRotatable();
        const made = makeKey("key", LETTERS[old.kind], { name: old.name, maker, ...successorLimits(old, now) }, now);
        const row: ProjectKeyRow = { ...made.row, project_id: project.id, kind: old.kind };
        const expiresAtMs = endOfGrace(old, now, graceMs);
        if (!(await projectKeyStore.replace(trx, old.id, row.id, expiresAtMs))) throw notRotatable();
        await projectKeyStore.insert(trx, row);
        await audit.record(trx, {
          action: "key.rotated",
          target: { kind: "key", id: old.id },
          ...placeOf(project),
          before: showProjectKey(old),
          after: showProjectKey(row),
        });
        return { row, secret: made.secret };
      });
    },

    async revoke(project, keyId) {
      await changes.commit(sql, [`key:${keyId}`], async (trx) => {
        const revoked = await projectKeyStore.revoke(trx, project.id, keyId, clock.now());
        if (revoked === undefined) throw noSuchKey();
        await audit.record(trx, {
          action: "key.revoked",
          target: { kind: "key", id: keyId },
          ...placeOf(project),
          before: showProjectKey(revoked),
        });
      });
    },

    async revokeLeaked(key, report) {
      if (!mayBeKey(key)) return null;
      const hash = hashToken(key);
      const found = await projectKeyStore.findByHash(sql.db, hash);
      const project = found === undefined ? undefined : await projects.find(found.project_id);
      if (found === undefined || project === undefined) return null;
      return await changes.commit(sql, [`key:${found.id}`], async (trx) => {
        const now = clock.now();
        const row = await projectKeyStore.findByHash(trx, hash);
        if (row === undefined || row.kind !== "secret" || !isUsable(row, now)) return null;
        await projectKeyStore.revoke(trx, project.id, row.id, now);
        await audit.record(trx, {
          action: "key.revoked",
          target: { kind: "key", id: row.id },
          ...placeOf(project),
          before: showProjectKey(row),
          after: { reason: "leaked", ...report },
        });
        return { accountId: project.ownerId, name: row.name, prefix: row.prefix };
      });
    },

    async find(key) {
      if (!mayBeKey(key)) return null;
      const row = await projectKeyStore.findByHash(sql.db, hashToken(key));
      if (row === undefined || !isUsable(row, clock.now())) return null;
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
          limits: readLimits(row),
        },
        expiresAtMs: row.expires_at,
        subjects: [`key:${row.id}`, `project:${project.id}`, `account:${project.ownerId}`],
      };
    },

    markUsed: (keyIds, usedAtMs, ip) => projectKeyStore.markUsed(sql.db, keyIds, usedAtMs, ip),
  };
}

/** A project's key as everybody sees it who may know of it. */
export function showProjectKey(row: ProjectKeyRow) {
  return { ...showKey(row), kind: row.kind };
}

function noSuchKey(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "There is no such key." });
}

function tooManyKeys(): AerostackError {
  return new AerostackError("CONFLICT", {
    message: `A project has at most ${MAX_ACTIVE_KEYS} keys.`,
    fix: "Revoke keys that are not used any more.",
  });
}
