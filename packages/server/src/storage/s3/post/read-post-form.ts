import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import busboy from "busboy";
import { S3Error } from "../s3-error.ts";

/** A form up to its file. */
export interface PostForm {
  /** By their names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly fileName: string;
  readonly content: Readable;
}

/** Of S3: all fields in front of the file. */
export const MAX_POST_FIELDS_BYTES = 20 * 1024;
const MAX_FIELDS = 200;
const FILE_PART = "file";

export function isPostForm(req: IncomingMessage): boolean {
  return req.method === "POST" && /^multipart\/form-data\s*;/i.test(req.headers["content-type"] ?? "");
}

/**
 * Reads a form up to its file, hands both on while the file comes in, and passes over what stands behind it.
 *
 * @returns what `take` did with it
 * @throws S3Error MalformedPOSTRequest, MaxPostPreDataLengthExceeded, InvalidArgument, and what `take` throws
 */
export async function readPostForm<T>(req: IncomingMessage, take: (form: PostForm) => Promise<T>): Promise<T> {
  const parser = openParser(req);
  const fields = new Map<string, string>();
  let fieldBytes = 0;
  let taken: Promise<T> | undefined;
  let content: Readable | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      parser.on("field", (name, value, info) => {
        if (taken !== undefined) return;
        fieldBytes += Buffer.byteLength(name) + Buffer.byteLength(value);
        if (info.nameTruncated || info.valueTruncated || fieldBytes > MAX_POST_FIELDS_BYTES) {
          reject(new S3Error("MaxPostPreDataLengthExceeded"));
        } else if (fields.has(name.toLowerCase())) reject(new S3Error("MalformedPOSTRequest"));
        else fields.set(name.toLowerCase(), value);
      });
      parser.on("file", (name, stream, info) => {
        // Destroyed where the upload fails, whether or not somebody reads it by then.
        stream.on("error", () => undefined);
        if (taken !== undefined || name.toLowerCase() !== FILE_PART) {
          stream.resume();
          if (taken === undefined) reject(noFile());
          return;
        }
        content = stream;
        taken = take({ fields, fileName: info.filename ?? "", content: stream });
        taken.catch((error: unknown) => {
          stream.resume();
          reject(error);
        });
      });
      for (const limit of ["fieldsLimit", "partsLimit", "filesLimit"] as const) {
        parser.on(limit, () => reject(new S3Error("MaxPostPreDataLengthExceeded")));
      }
      parser.on("close", resolve);
      parser.on("error", () => reject(new S3Error("MalformedPOSTRequest")));
      req.on("error", reject);
      // A client that leaves ends the body without its end.
      req.on("close", () => {
        if (!req.readableEnded) reject(new S3Error("IncompleteBody"));
      });
      req.pipe(parser);
    });
    if (taken === undefined) throw noFile();
    return await taken;
  } catch (cause) {
    req.unpipe(parser);
    req.resume();
    content?.destroy(cause instanceof Error ? cause : undefined);
    parser.on("error", () => undefined);
    parser.destroy();
    throw cause;
  }
}

function openParser(req: IncomingMessage): busboy.Busboy {
  try {
    return busboy({
      headers: req.headers,
      defParamCharset: "utf8",
      limits: { fieldSize: MAX_POST_FIELDS_BYTES, fields: MAX_FIELDS, files: 1, parts: MAX_FIELDS + 1 },
    });
  } catch (cause) {
    throw new S3Error("MalformedPOSTRequest", { cause });
  }
}

function noFile(): S3Error {
  return new S3Error("InvalidArgument", {
    message: "POST requires exactly one file upload per request.",
    fields: { ArgumentName: "file", ArgumentValue: "0" },
  });
}
