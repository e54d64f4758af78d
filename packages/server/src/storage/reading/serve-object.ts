import type { IncomingMessage, ServerResponse } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import type { LocatedObject } from "@aerostack/datahost";
import { evaluateConditions, rangeApplies } from "./conditional-request.ts";
import { safeHeaders } from "./content-headers.ts";
import type { BucketName, ObjectReader } from "./object-reader.ts";

export interface ServeOptions {
  readonly reader: ObjectReader;
  readonly name: BucketName;
  readonly key: string;
  /** Whether this caller may read the object; one that may not is told what a missing object's caller is. */
  readonly mayRead: (located: LocatedObject) => boolean;
  /** Where the object names none itself. */
  readonly cacheControl: string;
  /** For a GET in disguise, such as a POST that names the key in its body. */
  readonly isHead?: boolean;
}

export function objectNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", {
    message: "There is no such object.",
    fix: "Check the key; a private object needs a signed URL.",
  });
}

/**
 * Answers with an object: conditions, then the range, then the bytes (RFC 9110).
 *
 * @throws NOT_FOUND, STORAGE_PRECONDITION_FAILED before the first byte
 */
export async function serveObject(req: IncomingMessage, res: ServerResponse, options: ServeOptions): Promise<void> {
  const { reader, name, key, isHead = false } = options;
  const { headers } = req;
  const { range } = headers;
  let located = await reader.locate(name, key, range === undefined ? undefined : { header: range });
  if (located === null || !options.mayRead(located)) throw objectNotFound();
  const isRanged = range !== undefined && rangeApplies(headers, located.object);
  if (range !== undefined && !isRanged) {
    located = await reader.locate(name, key);
    if (located === null) throw objectNotFound();
  }
  const { object } = located;
  const shown = { "cache-control": options.cacheControl, ...safeHeaders(object) };
  for (const [header, value] of Object.entries(shown)) res.setHeader(header, value);

  const outcome = evaluateConditions(headers, object);
  if (outcome === "failed") throw new AerostackError("STORAGE_PRECONDITION_FAILED");
  if (outcome === "not-modified") {
    res.removeHeader("content-type");
    res.writeHead(304).end();
    return;
  }
  if (located.range === null) {
    for (const header of ["etag", "last-modified", "content-disposition", "cache-control"]) res.removeHeader(header);
    res.removeHeader("content-type");
    res.writeHead(416, { "content-range": `bytes */${object.size}`, "content-length": 0 }).end();
    return;
  }
  const { offset, length } = located.range;
  const isPart = isRanged && length < object.size;
  const writeHead = (): void => {
    if (isPart) res.setHeader("content-range", `bytes ${offset}-${offset + length - 1}/${object.size}`);
    res.writeHead(isPart ? 206 : 200, { "content-length": length });
  };
  if (isHead) {
    writeHead();
    res.end();
    return;
  }
  await reader.send(res, name.projectId, located.slices, writeHead);
}
