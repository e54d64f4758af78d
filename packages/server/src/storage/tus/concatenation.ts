import { AerostackError } from "@aerostack/contracts";
import { MAX_CONCATENATED } from "./tus-limits.ts";

/** What an upload is to a concatenation: a part of one, or what is made of parts. */
export type Concatenation =
  | { readonly kind: "partial" }
  | {
      readonly kind: "final";
      readonly uploads: readonly NamedUpload[];
      /** The header as it came. */
      readonly header: string;
    };

export interface NamedUpload {
  /** A project's slug or id. */
  readonly project: string;
  readonly bucket: string;
  readonly uploadId: string;
}

const ADDRESS = /^\/tus\/([a-z0-9_-]{1,80})\.([a-z0-9][a-z0-9_-]{0,79})\/([\w-]{20,100})$/i;

/** The upload that a path names, without its query. */
export function parseUploadPath(path: string): NamedUpload | undefined {
  const [, project, bucket, uploadId] = ADDRESS.exec(path) ?? [];
  return project === undefined || bucket === undefined || uploadId === undefined
    ? undefined
    : { project, bucket, uploadId };
}

/** Reads an Upload-Concat header. @throws VALIDATION_ERROR, NOT_FOUND where it names what is no upload */
export function parseConcatenation(header: string | undefined): Concatenation | undefined {
  if (header === undefined) return undefined;
  if (header === "partial") return { kind: "partial" };
  const [, list] = /^final;\s*(\S.*)$/.exec(header) ?? [];
  const addresses = list?.trim().split(/\s+/) ?? [];
  if (addresses.length === 0 || addresses.length > MAX_CONCATENATED) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: `The header Upload-Concat is 'partial', or 'final;' with the addresses of at most ${MAX_CONCATENATED} uploads.`,
    });
  }
  const uploads = addresses.map((address) => parseUploadPath(pathOf(address)) ?? noSuchUpload());
  return { kind: "final", uploads, header };
}

/** Of an address with or without its host: uploads are only ever looked for here. */
function pathOf(address: string): string {
  const base = "http://here";
  return URL.canParse(address, base) ? new URL(address, base).pathname : "";
}

export function noSuchUpload(): never {
  throw new AerostackError("NOT_FOUND", { message: "There is no such upload, or it has ended." });
}
