import { generateKeyPairSync } from "node:crypto";
import { type Clock, randomText } from "@aerostack/kernel";
import type { CryptoKey } from "jose";
import type { Kysely } from "kysely";
import type { Audit } from "../../audit/record.ts";
import { createCachedLookup } from "../../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { EndUserTables } from "../tables.ts";

export type PublicJwk = Readonly<Record<string, string>>;

export interface Signer {
  readonly kid: string;
  readonly key: CryptoKey;
  readonly createdAtMs: number;
}

export interface ProjectKeys {
  /** Newest first, at least one. */
  readonly signers: readonly [Signer, ...Signer[]];
  readonly verifying: ReadonlyMap<string, CryptoKey>;
  /** What anybody may read (RFC 7517). */
  readonly published: readonly PublicJwk[];
}

/** The keys that sign a project's access tokens: ES256, made at the first need, the private half sealed. */
export interface SigningKeys {
  /** Makes the first key where there is none. */
  of(projectId: string): Promise<ProjectKeys>;
  /** Null where none was needed yet, so that nothing can be signed by one. */
  find(projectId: string): Promise<ProjectKeys | null>;
  /** The key that signs now. */
  signerOf(projectId: string): Promise<Signer>;
  /** Makes a new key the signing one. Tokens of the keys before stay valid until they expire. */
  rotate(projectId: string): Promise<void>;
}

export const SIGNING_ALGORITHM = "ES256";
/** Twice the longest life of an access token: what an older key signed has expired by then. */
const RETIRED_AFTER_MS = 30 * 60_000;
/** A new key signs once every server knows it (see the change feed). */
const KNOWN_EVERYWHERE_AFTER_MS = 3_000;
const KID_CHARACTERS = 12;

export interface SigningKeysOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly envelope: Envelope;
  readonly audit: Audit;
}

export function createSigningKeys({ sql, clock, changes, envelope, audit }: SigningKeysOptions): SigningKeys {
  const cache = createCachedLookup<ProjectKeys>({
    clock,
    changes,
    maxEntries: 5_000,
    async find(projectId) {
      const value = await read(projectId);
      return value === null ? null : { value, expiresAtMs: null, subjects: [subjectOf(projectId)] };
    },
  });

  async function read(projectId: string): Promise<ProjectKeys | null> {
    const rows = await sql.db
      .selectFrom("end_user_signing_keys")
      .selectAll()
      .where("project_id", "=", projectId)
      .orderBy("created_at", "desc")
      .orderBy("kid")
      .execute();
    const [newest] = rows;
    if (newest === undefined) return null;
    // The library is loaded by the first log-in, not by the start.
    const { importJWK } = await import("jose");
    const load = async (jwk: string) => (await importJWK(JSON.parse(jwk), SIGNING_ALGORITHM)) as CryptoKey;
    const verifying = new Map<string, CryptoKey>();
    const signerOf = async (row: typeof newest): Promise<Signer> => ({
      kid: row.kid,
      key: await load(envelope.open(row.private_key, contextOf(projectId, row.kid))),
      createdAtMs: row.created_at,
    });
    for (const row of rows) verifying.set(row.kid, await load(row.public_key));
    return {
      signers: [await signerOf(newest), ...(await Promise.all(rows.slice(1).map(signerOf)))],
      verifying,
      published: rows.map((row) => ({
        ...(JSON.parse(row.public_key) as PublicJwk),
        kid: row.kid,
        alg: SIGNING_ALGORITHM,
        use: "sig",
      })),
    };
  }

  function newRow(projectId: string): EndUserTables["end_user_signing_keys"] {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const kid = `euk_${randomText(KID_CHARACTERS)}`;
    const secret = JSON.stringify(privateKey.export({ format: "jwk" }));
    return {
      kid,
      project_id: projectId,
      private_key: envelope.seal(secret, contextOf(projectId, kid)),
      public_key: JSON.stringify(publicKey.export({ format: "jwk" })),
      created_at: clock.now(),
    };
  }

  async function of(projectId: string): Promise<ProjectKeys> {
    const existing = await cache.find(projectId);
    if (existing !== null) return existing;
    const row = newRow(projectId);
    await changes.commit(sql, [subjectOf(projectId)], async (trx) => {
      if ((await newestOf(trx, projectId)) === undefined) {
        await trx.insertInto("end_user_signing_keys").values(row).execute();
      }
    });
    const made = await read(projectId);
    if (made === null) throw new Error(`the project ${projectId} has no signing key`);
    return made;
  }

  return {
    of,
    find: async (projectId) => await cache.find(projectId),
    async signerOf(projectId) {
      const { signers } = await of(projectId);
      const known = signers.find(({ createdAtMs }) => createdAtMs + KNOWN_EVERYWHERE_AFTER_MS <= clock.now());
      return known ?? signers.at(-1) ?? signers[0];
    },
    async rotate(projectId) {
      const row = newRow(projectId);
      await changes.commit(sql, [subjectOf(projectId)], async (trx) => {
        const newest = await newestOf(trx, projectId);
        if (newest !== undefined && newest.created_at < clock.now() - RETIRED_AFTER_MS) {
          await trx
            .deleteFrom("end_user_signing_keys")
            .where("project_id", "=", projectId)
            .where("kid", "<>", newest.kid)
            .execute();
        }
        // Two rotations within a millisecond have an order too.
        const created_at = Math.max(row.created_at, (newest?.created_at ?? 0) + 1);
        await trx
          .insertInto("end_user_signing_keys")
          .values({ ...row, created_at })
          .execute();
        await audit.record(trx, {
          action: "end_user_signing_key.rotated",
          target: { kind: "end_user_signing_key", id: row.kid },
          projectId,
          before: { id: newest?.kid ?? null },
          after: { id: row.kid },
        });
      });
    },
  };
}

async function newestOf(db: Kysely<EndUserTables>, projectId: string) {
  return await db
    .selectFrom("end_user_signing_keys")
    .select(["kid", "created_at"])
    .where("project_id", "=", projectId)
    .orderBy("created_at", "desc")
    .limit(1)
    .executeTakeFirst();
}

function subjectOf(projectId: string): string {
  return `end-user-keys:${projectId}`;
}

export const endUserSigningKeySeal: SealedColumn = {
  table: "end_user_signing_keys",
  key: ["kid", "project_id"],
  column: "private_key",
  contextOf: ({ kid = "", project_id = "" }) => contextOf(project_id, kid),
};

function contextOf(projectId: string, kid: string): string {
  return `end-user-signing-key/${projectId}/${kid}`;
}
