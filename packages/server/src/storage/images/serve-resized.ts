import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import { z } from "zod";
import { parseInput } from "../../kernel/parse-input.ts";
import { createBlobCache } from "../reading/blob-cache.ts";
import { evaluateConditions } from "../reading/conditional-request.ts";
import { contentTypeOf, safeHeaders } from "../reading/content-headers.ts";
import { objectNotFound, type ServeOptions } from "../reading/serve-object.ts";
import {
  IMAGE_FITS,
  IMAGE_FORMATS,
  type ImageFormat,
  type ImageOptions,
  MAX_EDGE_PIXELS,
  MAX_SOURCE_BYTES,
} from "./image-job.ts";
import type { ImageResizer } from "./image-resizer.ts";

const PARAMETERS = ["width", "height", "fit", "format", "quality"] as const;
const edgeSchema = z.coerce.number().int().min(1).max(MAX_EDGE_PIXELS);
const querySchema = z.object({
  width: edgeSchema.optional(),
  height: edgeSchema.optional(),
  fit: z.enum(IMAGE_FITS).default("cover"),
  format: z.enum([...IMAGE_FORMATS, "auto"]).optional(),
  quality: z.coerce.number().int().min(1).max(100).default(80),
});
const SOURCE = /^image\/(?:jpeg|png|webp|avif|gif|tiff)$/;
const MEBIBYTE = 1024 * 1024;

/** Serves objects that are pictures in other sizes and formats, made when they are first asked for. */
export function createResizedImages(resizer: ImageResizer) {
  // A result stands for a version of an object and what was made of it, so nothing kept is ever out of date.
  const results = createBlobCache({ maxBytes: 64 * MEBIBYTE, maxBlobBytes: 8 * MEBIBYTE, keepsAtOnce: true });

  /** @returns false where the query asks for nothing of the kind */
  return async function serveResized(
    req: IncomingMessage,
    res: ServerResponse,
    query: URLSearchParams,
    { reader, name, key, mayRead, cacheControl, isHead }: ServeOptions,
  ): Promise<boolean> {
    if (!PARAMETERS.some((parameter) => query.has(parameter))) return false;
    const located = await reader.locate(name, key);
    if (located === null || !mayRead(located)) throw objectNotFound();
    const { object, slices } = located;
    const asked = parseInput(querySchema, Object.fromEntries(query), "query");
    const type = contentTypeOf(object).split(";")[0]?.trim().toLowerCase() ?? "";
    if (!SOURCE.test(type)) {
      throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", {
        message: `An object of the type '${type}' has no other sizes.`,
        fix: "JPEG, PNG, WebP, AVIF, GIF and TIFF can be made into other sizes.",
      });
    }
    if (object.size > MAX_SOURCE_BYTES) {
      throw new AerostackError("STORAGE_FILE_TOO_LARGE", {
        message: `Pictures of more than ${MAX_SOURCE_BYTES / MEBIBYTE} MB are not made into other sizes.`,
        fix: "Store a smaller one.",
      });
    }
    const options: ImageOptions = { ...asked, format: formatOf(asked.format, type, req.headers.accept) };
    const variant = createHash("sha256").update(JSON.stringify(options)).digest("hex").slice(0, 16);
    const etag = `${object.etag}-${variant}`;
    const headers: Record<string, string> = {
      "cache-control": cacheControl,
      ...safeHeaders(object),
      "content-type": `image/${options.format}`,
      etag: `"${etag}"`,
      "accept-ranges": "none",
      ...(asked.format === "auto" ? { vary: "accept" } : {}),
    };
    delete headers["content-encoding"];
    const outcome = evaluateConditions(req.headers, { etag, uploadedAt: object.uploadedAt });
    if (outcome === "failed") throw new AerostackError("STORAGE_PRECONDITION_FAILED");
    if (outcome === "not-modified") {
      delete headers["content-type"];
      res.writeHead(304, headers).end();
      return true;
    }
    const image = await results.read(`${name.projectId}/${object.version}/${variant}`, async () => {
      const source = await reader.open(name.projectId, slices);
      return await resizer.resize(Buffer.concat(await source.toArray()), options);
    });
    res.writeHead(200, { ...headers, "content-length": image.length });
    res.end(isHead === true ? undefined : image);
    return true;
  };
}

export type ServeResized = ReturnType<typeof createResizedImages>;

/** The format of the source where none is asked for, and one that browsers show. */
function formatOf(asked: ImageFormat | "auto" | undefined, type: string, accept: string | undefined): ImageFormat {
  if (asked === "auto" && accept?.includes("image/webp") === true) return "webp";
  if (asked !== undefined && asked !== "auto") return asked;
  const own = type.slice("image/".length);
  return IMAGE_FORMATS.find((format) => format === own) ?? "png";
}
