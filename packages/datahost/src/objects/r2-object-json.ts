import type { ObjectInfo, ObjectRange } from "./object-info.ts";

export interface R2JsonOptions {
  readonly range?: ObjectRange;
  /** Which metadata to tell; all of it where this is left out. */
  readonly include?: { readonly http: boolean; readonly custom: boolean };
}

/** An object as workerd's R2 binding reads it. */
export function r2ObjectJson(object: ObjectInfo, { range, include }: R2JsonOptions): string {
  const { md5, sha1, sha256, sha384, sha512 } = object.checksums;
  return JSON.stringify({
    name: object.key,
    version: object.version,
    size: object.size,
    etag: object.etag,
    uploaded: object.uploadedAt,
    ...(include?.http === false ? {} : { httpFields: object.httpMetadata }),
    ...(include?.custom === false
      ? {}
      : { customFields: Object.entries(object.customMetadata).map(([k, v]) => ({ k, v })) }),
    ...(range === undefined ? {} : { range }),
    checksums: { 0: md5, 1: sha1, 2: sha256, 3: sha384, 4: sha512 },
    storageClass: object.storageClass,
    isPublic: object.isPublic,
    // For the server; workerd passes over it.
    ...(include === undefined ? { tags: object.tags } : {}),
  });
}
