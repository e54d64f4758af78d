import { randomBytes } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../../audit/record.ts";
import type { BlockCheck } from "../../front-door/blocks/block-check.ts";
import { createCachedLookup } from "../../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import { type Page, type PageRequest, toPage } from "../../kernel/page.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { KeyLimits } from "../../keys/key-limits.ts";
import type { StorageTables } from "../tables.ts";
import { type S3KeyRow, s3KeyStore } from "./store.ts";

/** Who signs a request to the S3 endpoint. */
export interface S3Caller {
  readonly accessKeyId: string;
  readonly secret: string;
  readonly projectId: string;
  readonly access: "read-write" | "read-only";
  /** Of the limited account key that made this one; null where none did. */
  readonly limits: KeyLimits | null;
}

/** What a new credential is, and who makes it. */
export interface NewS3Key {
  readonly name: string;
  readonly access: S3Caller["access"];
  /** Id of the limited account key that makes it: the credential is limited like that key, and ends with it. */
  readonly makerKeyId?: string | undefined;
}

/** Keys of clients that speak S3: each belongs to one project and reaches its buckets. */
export interface S3Keys {
  create(projectId: string, input: NewS3Key): Promise<{ readonly row: S3KeyRow; readonly secret: string }>;
  list(projectId: string, page: PageRequest): Promise<Page<S3KeyRow & { readonly id: string }>>;
  /** Refused everywhere within a second. @throws NOT_FOUND when the project has no such key */
  revoke(projectId: string, accessKeyId: string): Promise<void>;
  /** Null when it is unknown or revoked, or its project is gone. @throws BLOCKED */
  find(accessKeyId: string): S3Caller | null | Promise<S3Caller | null>;
}

export interface S3KeysOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly envelope: Envelope;
  readonly projectExists: (projectId: string) => Promise<boolean>;
  /** The limits of an account key; undefined when it is revoked, expired or gone. */
  readonly limitsOfAccountKey: (keyId: string) => Promise<KeyLimits | null | undefined>;
  readonly audit: Audit;
  /** Whom the operators keep out. */
  readonly blocks: Pick<BlockCheck, "require" | "requireProject">;
}

/** As long as those of AWS, which some clients insist on. */
const ID_PREFIX = "AERO";
const ID_CHARACTERS = 16;
const ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_PATTERN = /^AERO[A-Z2-7]{16}$/;
const SECRET_BYTES = 30;
const MAX_ACTIVE_KEYS = 100;

function contextOf(accessKeyId: string): string {
  return `s3-access-key/${accessKeyId}`;
}

export const s3KeySeal: SealedColumn = {
  table: "s3_access_keys",
  key: ["access_key_id"],
  column: "secret",
  contextOf: (row) => contextOf(row.access_key_id ?? ""),
};

function newAccessKeyId(): string {
  const letters = Array.from(randomBytes(ID_CHARACTERS), (byte) => ID_ALPHABET[byte % ID_ALPHABET.length]);
  return `${ID_PREFIX}${letters.join("")}`;
}

export function createS3Keys(options: S3KeysOptions): S3Keys {
  const { sql: untyped, clock, changes, envelope, projectExists, audit } = options;
  const sql = untyped.withTables<StorageTables>();
  const callers = createCachedLookup<S3Caller>({
    clock,
    changes,
    async find(accessKeyId) {
      const row = await s3KeyStore.find(sql.db, accessKeyId);
      if (row === undefined || row.revoked_at !== null || !(await projectExists(row.project_id))) return null;
      const { project_id: projectId, access } = row;
      const maker = await s3KeyStore.findMaker(sql.db, accessKeyId);
      const limits = maker === undefined ? null : await options.limitsOfAccountKey(maker);
      if (limits === undefined) return null;
      const secret = envelope.open(row.secret, contextOf(accessKeyId));
      return {
        value: { accessKeyId, secret, projectId, access, limits },
        expiresAtMs: limits?.expiresAtMs ?? null,
        subjects: [`s3-key:${accessKeyId}`, `project:${projectId}`, ...(maker === undefined ? [] : [`key:${maker}`])],
      };
    },
  });

  async function requireUnblocked(caller: S3Caller | null): Promise<S3Caller | null> {
    if (caller === null) return null;
    await options.blocks.require("key", caller.accessKeyId);
    await options.blocks.requireProject(caller.projectId);
    return caller;
  }

  return {
    async create(projectId, { name, access, makerKeyId }) {
      const accessKeyId = newAccessKeyId();
      const secret = randomBytes(SECRET_BYTES).toString("base64");
      const row: S3KeyRow = {
        access_key_id: accessKeyId,
        project_id: projectId,
        name,
        access,
        secret: envelope.seal(secret, contextOf(accessKeyId)),
        created_at: clock.now(),
        revoked_at: null,
      };
      await sql.transaction(async (trx) => {
        if ((await s3KeyStore.countActive(trx, projectId)) >= MAX_ACTIVE_KEYS) throw tooManyKeys();
        await s3KeyStore.insert(trx, row);
        if (makerKeyId !== undefined) await s3KeyStore.insertMaker(trx, row, makerKeyId);
        await audit.record(trx, {
          action: "s3_key.created",
          target: { kind: "s3_key", id: accessKeyId },
          projectId,
          after: { name, access, limitedByKeyId: makerKeyId ?? null },
        });
      });
      return { row, secret };
    },
    async list(projectId, page) {
      const rows = await s3KeyStore.list(sql.db, projectId, page);
      return toPage(
        rows.map((row) => ({ ...row, id: row.access_key_id })),
        page.limit,
      );
    },
    async revoke(projectId, accessKeyId) {
      await changes.commit(sql, [`s3-key:${accessKeyId}`], async (trx) => {
        const row = await s3KeyStore.revoke(trx, projectId, accessKeyId, clock.now());
        if (row === undefined) throw new AerostackError("NOT_FOUND", { message: "There is no such S3 key." });
        await audit.record(trx, {
          action: "s3_key.revoked",
          target: { kind: "s3_key", id: accessKeyId },
          projectId,
          before: { name: row.name, access: row.access },
        });
      });
    },
    find: async (accessKeyId) =>
      ID_PATTERN.test(accessKeyId) ? await requireUnblocked(await callers.find(accessKeyId)) : null,
  };
}

function tooManyKeys(): AerostackError {
  return new AerostackError("CONFLICT", {
    message: `A project has at most ${MAX_ACTIVE_KEYS} S3 keys.`,
    fix: "Revoke keys that are not used any more.",
  });
}
