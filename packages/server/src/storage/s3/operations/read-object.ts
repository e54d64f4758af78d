import type { ReadRequest } from "@aerostack/datahost";
import { evaluateConditions, rangeApplies } from "../../reading/conditional-request.ts";
import { checksumHeaders } from "../object-checksums.ts";
import { objectHeaders } from "../object-headers.ts";
import { S3Error } from "../s3-error.ts";
import { integerOf, type S3ObjectRequest } from "../s3-request.ts";

/** Headers of the answer that a signed request may choose itself. */
const OVERRIDES = [
  "response-content-type",
  "response-content-language",
  "response-expires",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
] as const;
const MAX_PARTS = 10_000;
/** A value that a header can carry. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]{0,2000}$/;

/** GetObject and HeadObject. */
export async function readObject(request: S3ObjectRequest): Promise<void> {
  const { storage, req, res, query, name, key } = request;
  const { headers } = req;
  requireNullVersion(request);
  const part = integerOf(query, "partNumber", { min: 1, max: MAX_PARTS });
  const { range } = headers;
  if (part !== undefined && range !== undefined) {
    throw new S3Error("InvalidRequest", { message: "Cannot specify both Range header and partNumber query parameter" });
  }
  const asked: ReadRequest | undefined =
    part === undefined ? (range === undefined ? undefined : { header: range }) : { part };
  let located = await storage.reader.locate(name, key, asked);
  if (located === null) throw new S3Error("NoSuchKey", { fields: { Key: key } });
  const isRanged = part !== undefined || (range !== undefined && rangeApplies(headers, located.object));
  if (range !== undefined && !isRanged) located = await storage.reader.locate(name, key);
  if (located === null) throw new S3Error("NoSuchKey", { fields: { Key: key } });
  const { object } = located;

  const outcome = evaluateConditions(headers, object);
  if (outcome === "failed") throw new S3Error("PreconditionFailed");
  const shown = objectHeaders(object);
  if (outcome === "not-modified") {
    const { etag = "", "last-modified": modified = "", "cache-control": cache } = shown;
    res.writeHead(304, { etag, "last-modified": modified, ...(cache === undefined ? {} : { "cache-control": cache }) });
    res.end();
    return;
  }
  if (located.range === null) {
    if (part !== undefined)
      throw new S3Error("InvalidRange", { message: "The requested partnumber is not satisfiable" });
    throw new S3Error("InvalidRange", {
      fields: { RangeRequested: range ?? "", ActualObjectSize: String(object.size) },
    });
  }
  for (const override of OVERRIDES) {
    const value = query.get(override);
    if (value === undefined) continue;
    if (!HEADER_VALUE.test(value)) throw new S3Error("InvalidArgument", { fields: { ArgumentName: override } });
    shown[override.slice("response-".length)] = value;
  }
  // S3 tells the checksum of the whole object with the whole object only.
  const isWhole = located.range.length === object.size;
  if (String(headers["x-amz-checksum-mode"]).toUpperCase() === "ENABLED" && isWhole) {
    Object.assign(shown, checksumHeaders(object));
  }
  if (part !== undefined && /-\d+$/.test(object.etag)) shown["x-amz-mp-parts-count"] = String(located.partCount);
  const { offset, length } = located.range;
  const isPart = isRanged && (part === undefined ? true : located.partCount > 1);
  if (isPart) shown["content-range"] = `bytes ${offset}-${Math.max(offset, offset + length - 1)}/${object.size}`;
  const status = isPart && length > 0 && isRangeHeader(range, part) ? 206 : 200;
  if (status === 200) delete shown["content-range"];
  const writeHead = (): void => void res.writeHead(status, { ...shown, "content-length": length });
  if (req.method === "HEAD") {
    writeHead();
    res.end();
    return;
  }
  await storage.reader.send(res, name.projectId, located.slices, writeHead);
}

/** A Range header that cannot be read, or names several ranges, is passed over. */
function isRangeHeader(range: string | undefined, part: number | undefined): boolean {
  return part !== undefined || /^\s*bytes\s*=\s*(?:\d+\s*-\s*\d*|-\s*\d+)\s*$/i.test(range ?? "");
}

/** There are no versions but the one that is there. @throws S3Error NoSuchVersion */
export function requireNullVersion({ query }: Pick<S3ObjectRequest, "query">): void {
  const version = query.get("versionId");
  if (version !== undefined && version !== "null" && version !== "") throw new S3Error("NoSuchVersion");
}
