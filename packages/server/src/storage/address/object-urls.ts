import { createHmac, timingSafeEqual } from "node:crypto";
import type { Clock } from "@aerostack/kernel";
import { encodeObjectKey } from "../object-key.ts";
import { MAIN_BUCKET } from "../service.ts";

export const PUBLIC_PREFIX = "/storage/";

/** An object as its address spells it. */
export interface ObjectAddress {
  /** Slug or id of the project. */
  readonly project: string;
  readonly bucket: string;
  /** Percent-encoded. */
  readonly path: string;
}

/** What a signed URL allows to whoever holds it. */
export interface SignedGrant {
  readonly method: "GET" | "PUT";
  readonly projectId: string;
  readonly bucket: string;
  readonly key: string;
  /** For PUT: the only type that is taken. */
  readonly contentType?: string | undefined;
  /** For PUT: the most bytes that are taken. */
  readonly maxBytes?: number | undefined;
  /** For PUT: whether anybody may read the object. */
  readonly isPublic?: boolean;
}

export interface ObjectUrlsOptions {
  /** Where clients reach the server. */
  readonly origin: string;
  /** 32 bytes that sign nothing else. */
  readonly signingKey: Uint8Array;
  readonly clock: Clock;
}

const VERSION = "storage-url/1";
const MS_PER_SECOND = 1000;

/** Reads `/storage/<project>[.<bucket>]/<key>`; null where the path has no such form. */
export function parseObjectAddress(path: string): ObjectAddress | null {
  if (!path.startsWith(PUBLIC_PREFIX)) return null;
  const end = path.indexOf("/", PUBLIC_PREFIX.length);
  if (end === -1) return null;
  const [project = "", bucket = MAIN_BUCKET, ...rest] = path.slice(PUBLIC_PREFIX.length, end).split(".");
  if (project === "" || bucket === "" || rest.length > 0) return null;
  return { project, bucket, path: path.slice(end + 1) };
}

/** Addresses of objects: for everybody where the object is public, or signed for a time. */
export function createObjectUrls({ origin, signingKey, clock }: ObjectUrlsOptions) {
  function addressOf(slug: string, bucket: string, key: string): string {
    const place = bucket === MAIN_BUCKET ? slug : `${slug}.${bucket}`;
    return `${origin}${PUBLIC_PREFIX}${place}/${encodeObjectKey(key)}`;
  }

  function signatureOf(grant: SignedGrant, expires: number): Buffer {
    const { method, projectId, bucket, key, contentType, maxBytes, isPublic = false } = grant;
    const facts = [VERSION, method, projectId, bucket, key, expires, contentType ?? null, maxBytes ?? null, isPublic];
    return createHmac("sha256", signingKey).update(JSON.stringify(facts)).digest();
  }

  return {
    publicUrl: addressOf,

    signedUrl(slug: string, grant: SignedGrant, expiresInSeconds: number): { url: string; expiresAtMs: number } {
      const expires = Math.floor(clock.now() / MS_PER_SECOND) + expiresInSeconds;
      const query = new URLSearchParams({ expires: String(expires) });
      if (grant.contentType !== undefined) query.set("type", grant.contentType);
      if (grant.maxBytes !== undefined) query.set("max", String(grant.maxBytes));
      if (grant.isPublic === true) query.set("public", "1");
      query.set("signature", signatureOf(grant, expires).toString("base64url"));
      return {
        url: `${addressOf(slug, grant.bucket, grant.key)}?${query}`,
        expiresAtMs: expires * MS_PER_SECOND,
      };
    },

    /** The grant of a signed URL that is used for this object now; null where its signature says otherwise, or is old. */
    verify(
      query: URLSearchParams,
      used: Pick<SignedGrant, "method" | "projectId" | "bucket" | "key">,
    ): SignedGrant | null {
      const expires = query.get("expires") ?? "";
      const max = query.get("max");
      if (!/^\d{1,12}$/.test(expires) || (max !== null && !/^\d{1,15}$/.test(max))) return null;
      const grant: SignedGrant = {
        ...used,
        contentType: query.get("type") ?? undefined,
        maxBytes: max === null ? undefined : Number(max),
        isPublic: query.get("public") === "1",
      };
      const expected = signatureOf(grant, Number(expires));
      const given = Buffer.from(query.get("signature") ?? "", "base64url");
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return null;
      return Number(expires) * MS_PER_SECOND > clock.now() ? grant : null;
    },
  };
}

export type ObjectUrls = ReturnType<typeof createObjectUrls>;
