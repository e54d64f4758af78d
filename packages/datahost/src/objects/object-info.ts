import type { BlobHash } from "@aerostack/kernel";

export interface HttpMetadata {
  readonly contentType?: string;
  readonly contentLanguage?: string;
  readonly contentDisposition?: string;
  readonly contentEncoding?: string;
  readonly cacheControl?: string;
  /** Milliseconds since the epoch. */
  readonly cacheExpiry?: number;
}

/** Hashes of content that is kept with an object: those that a blob store computes, and the CRCs that S3's clients send. */
export type ObjectHash = BlobHash | "crc32" | "crc32c" | "crc64nvme";

export const STORAGE_CLASSES = ["Standard", "InfrequentAccess"] as const;
export type StorageClass = (typeof STORAGE_CLASSES)[number];

/** What an upload's parts are checked with, and what the object then has: a checksum of its bytes, or of the parts' ones. */
export interface UploadChecksum {
  readonly algorithm: ObjectHash;
  readonly type: "COMPOSITE" | "FULL_OBJECT";
}

/** The checksum of the checksums of an object's parts, hex. */
export interface CompositeChecksum {
  readonly algorithm: ObjectHash;
  readonly hex: string;
}

/** What S3's clients mark an object with: values by name, which change without a new object. */
export type ObjectTags = Readonly<Record<string, string>>;

/** What is kept of an object besides its bytes. */
export interface ObjectInfo {
  readonly key: string;
  /** Changes with each put. */
  readonly version: string;
  readonly size: number;
  /** Hex, without quotes: the md5 of the content, or of the parts' md5s with their number. */
  readonly etag: string;
  /** Hex. */
  readonly checksums: Readonly<Partial<Record<ObjectHash, string>>>;
  /** Of an object that was put together of parts with checksums, where these do not give one of the whole. */
  readonly composite?: CompositeChecksum | undefined;
  readonly httpMetadata: HttpMetadata;
  readonly customMetadata: Readonly<Record<string, string>>;
  readonly storageClass: StorageClass;
  /** Anybody who knows the address may read it. */
  readonly isPublic: boolean;
  readonly tags: ObjectTags;
  /** Milliseconds since the epoch. */
  readonly uploadedAt: number;
}

/** What a caller says of an object it stores. */
export interface ObjectAttributes {
  readonly httpMetadata: HttpMetadata;
  readonly customMetadata: Readonly<Record<string, string>>;
  readonly storageClass: StorageClass;
  readonly isPublic: boolean;
  /** None where they are left out. */
  readonly tags?: ObjectTags;
}

/** The same as it is kept. */
export type StoredAttributes = Required<ObjectAttributes>;

/** Bytes of an object: from `offset` on, `length` of them. */
export interface ObjectRange {
  readonly offset: number;
  readonly length: number;
}
