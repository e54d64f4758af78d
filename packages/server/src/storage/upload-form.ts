import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { isDeepStrictEqual } from "node:util";
import { AerostackError, MAX_FORM_UPLOAD_BYTES } from "@aerostack/contracts";
import type { ObjectAttributes, ObjectInfo } from "@aerostack/datahost";
import busboy from "busboy";
import { limitBytes } from "./limit-bytes.ts";
import type { BucketName } from "./reading/object-reader.ts";
import { DEFAULT_CONTENT_TYPE, plainAttributes, type StorageService } from "./service.ts";

const MAX_FIELD_BYTES = 8 * 1024;
const MAX_FIELDS = 20;
/** What a form has besides the file. */
const MAX_OVERHEAD_BYTES = 256 * 1024;
const FILE_PART = "file";
/** An upload whose key comes after its bytes waits under this name, which no key that comes by HTTP can have. */
const WAITING_KEY = "\0form";

export interface UploadForm {
  /** Every text field. */
  readonly fields: Readonly<Record<string, string>>;
  readonly fileName: string | undefined;
  /** What the file's part says, unless that says nothing. */
  readonly partType: string | undefined;
}

export interface UploadTarget {
  readonly key: string;
  readonly attributes: ObjectAttributes;
}

export interface FormUploadOptions {
  readonly storage: StorageService;
  readonly name: BucketName;
  /**
   * What the form becomes, from the fields so far; undefined while they do not say it: the file is then stored first and
   * named at the end, when this is asked again with `isComplete`. @throws where the form is wrong
   */
  readonly targetOf: (
    form: UploadForm,
    isComplete: boolean,
  ) => UploadTarget | undefined | Promise<UploadTarget | undefined>;
}

/**
 * Takes an upload by form: streamed, with its fields before or after the file.
 *
 * @throws UNSUPPORTED_MEDIA_TYPE, STORAGE_FILE_TOO_LARGE, VALIDATION_ERROR, STORAGE_KEY_INVALID, REQUEST_MALFORMED
 */
export async function uploadByForm(
  req: IncomingMessage,
  { storage, name, targetOf }: FormUploadOptions,
): Promise<ObjectInfo> {
  if (!/^multipart\/form-data\s*;/i.test(req.headers["content-type"] ?? "")) {
    throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", { message: "An upload is sent as multipart/form-data." });
  }
  if (Number(req.headers["content-length"] ?? 0) > MAX_FORM_UPLOAD_BYTES + MAX_OVERHEAD_BYTES) throw fileTooLarge();
  const fields: Record<string, string> = Object.create(null);
  let found: { form: UploadForm; stored: Promise<Stored> } | undefined;

  async function store(form: UploadForm, content: Readable): Promise<Stored> {
    const bytes = limitBytes(content, MAX_FORM_UPLOAD_BYTES, fileTooLarge);
    const target = await targetOf(form, false);
    if (target !== undefined) {
      return { kind: "object", object: await storage.put(name, target.key, bytes, { attributes: target.attributes }) };
    }
    const uploadId = await storage.uploads.create(name, WAITING_KEY, plainAttributes(undefined), {
      length: MAX_FORM_UPLOAD_BYTES,
    });
    try {
      await storage.uploads.append(name, { uploadId, offset: 0 }, bytes);
      return { kind: "waiting", uploadId };
    } catch (error) {
      await abort(uploadId);
      throw error;
    }
  }

  async function abort(uploadId: string): Promise<void> {
    await storage.uploads.abort({ ...name, key: WAITING_KEY, uploadId }).catch(() => undefined);
  }

  const parser = openParser(req);
  let file: Readable | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      parser.on("field", (field, value, info) => {
        if (info.valueTruncated || info.nameTruncated) {
          reject(new AerostackError("REQUEST_TOO_LARGE", { message: "A field of the form is too large." }));
        } else fields[field] = value;
      });
      parser.on("file", (part, content, info) => {
        if (part !== FILE_PART || found !== undefined) {
          content.resume();
          return;
        }
        file = content;
        // Destroyed where the upload fails, whether or not somebody reads it by then.
        content.on("error", () => undefined);
        const partType = info.mimeType === DEFAULT_CONTENT_TYPE || info.mimeType === "" ? undefined : info.mimeType;
        const form = { fields, fileName: info.filename, partType };
        const stored = store(form, content);
        found = { form, stored };
        stored.catch((error: unknown) => {
          content.resume();
          reject(error);
        });
      });
      for (const limit of ["fieldsLimit", "partsLimit", "filesLimit"] as const) {
        parser.on(limit, () =>
          reject(new AerostackError("REQUEST_TOO_LARGE", { message: "The form has too many parts." })),
        );
      }
      parser.on("close", resolve);
      parser.on("error", reject);
      req.on("error", reject);
      // A client that leaves ends the body without its end.
      req.on("close", () => {
        if (!req.readableEnded)
          reject(new AerostackError("REQUEST_MALFORMED", { message: "The request ended early." }));
      });
      req.pipe(parser);
    });
    if (found === undefined) throw missing(FILE_PART);
    const { form, stored } = found as { form: UploadForm; stored: Promise<Stored> };
    return await finish(form, await stored);
  } catch (cause) {
    req.unpipe(parser);
    req.resume();
    file?.destroy(cause instanceof Error ? cause : undefined);
    parser.on("error", () => undefined);
    parser.destroy();
    throw cause instanceof AerostackError ? cause : new AerostackError("REQUEST_MALFORMED", { cause });
  }

  async function finish(form: UploadForm, stored: Stored): Promise<ObjectInfo> {
    let target: UploadTarget | undefined;
    try {
      target = await targetOf(form, true);
    } catch (error) {
      if (stored.kind === "waiting") await abort(stored.uploadId);
      throw error;
    }
    if (stored.kind === "object") {
      // What the form says of the file may come after it.
      const { object } = stored;
      if (target === undefined || isDeepStrictEqual(target.attributes, attributesOf(object))) return object;
      return await storage.setAttributes(name, object.key, target.attributes);
    }
    try {
      if (target === undefined) throw missing("key");
      return await storage.uploads.finish(name, stored.uploadId, target);
    } catch (error) {
      await abort(stored.uploadId);
      throw error;
    }
  }
}

function attributesOf({ httpMetadata, customMetadata, storageClass, isPublic }: ObjectInfo): ObjectAttributes {
  return { httpMetadata, customMetadata, storageClass, isPublic };
}

type Stored =
  | { readonly kind: "object"; readonly object: ObjectInfo }
  | { readonly kind: "waiting"; readonly uploadId: string };

function openParser(req: IncomingMessage): busboy.Busboy {
  try {
    return busboy({
      headers: req.headers,
      defParamCharset: "utf8",
      preservePath: true,
      limits: { fieldSize: MAX_FIELD_BYTES, fields: MAX_FIELDS, files: 2, parts: MAX_FIELDS + 2 },
    });
  } catch (cause) {
    throw new AerostackError("REQUEST_MALFORMED", { message: "The multipart form names no boundary.", cause });
  }
}

export function missing(field: string): AerostackError {
  return new AerostackError("VALIDATION_ERROR", {
    message: `The form has no field '${field}'.`,
    details: { fieldErrors: { [field]: ["This field is required."] } },
  });
}

function fileTooLarge(): AerostackError {
  return new AerostackError("STORAGE_FILE_TOO_LARGE", {
    message: `A form uploads at most ${MAX_FORM_UPLOAD_BYTES / 1024 / 1024} MB.`,
    fix: "Upload it in pieces (tus or S3 multipart).",
  });
}
