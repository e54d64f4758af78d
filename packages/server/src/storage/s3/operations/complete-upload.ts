import { MAX_PARTS, type UploadChecksum } from "@aerostack/datahost";
import { base64Of, checksumElement, checksumElements } from "../object-checksums.ts";
import { writeCondition } from "../object-headers.ts";
import { type WholeChecksum, wholeChecksum } from "../payload/upload-checksum.ts";
import { S3Error } from "../s3-error.ts";
import { answerXml, readXmlBody, type S3ObjectRequest } from "../s3-request.ts";
import { childrenOf, malformed, parseXmlOf, textOf } from "../xml/parse-xml.ts";
import { findUpload, uploadOf } from "./multipart.ts";
import { explainCondition } from "./write-object.ts";

/** 10,000 parts with their tags and checksums. */
const MAX_COMPLETE_BYTES = 4 * 1024 * 1024;

/** CompleteMultipartUpload. */
export async function completeUpload(request: S3ObjectRequest, location: string): Promise<void> {
  const { storage, req, name, key } = request;
  const onlyIf = writeCondition(req.headers);
  const xml = await readXmlBody(request, MAX_COMPLETE_BYTES, { isChecksumOfBody: false });
  const document = parseXmlOf("CompleteMultipartUpload", xml);
  const parts = childrenOf(document, "Part").map((part) => {
    const number = Number(textOf(part, "PartNumber")?.trim());
    const etag = textOf(part, "ETag")?.trim().replace(/^"|"$/g, "");
    if (!Number.isInteger(number) || number < 1 || number > MAX_PARTS || etag === undefined) throw malformed();
    const checksums = part.children.filter(({ name }) => name.startsWith("Checksum"));
    return { part: number, etag, checksums: checksums.map(({ name, text }) => [name, text.trim()] as const) };
  });
  if (parts.length === 0 || parts.length > MAX_PARTS) throw malformed();
  const whole = await checksumOfParts(request, parts);
  const chosen = parts.map(({ part, etag }) => ({ part, etag }));
  const object = await storage.uploads
    .complete(uploadOf(request), chosen, { onlyIf, ...whole })
    .catch((error: unknown) => explainCondition(request, onlyIf, error));
  answerXml(
    request,
    "CompleteMultipartUploadResult",
    { Location: location, Bucket: name.bucket, Key: key, ETag: `"${object.etag}"`, ...checksumElements(object) },
    { "x-amz-server-side-encryption": "AES256" },
  );
}

interface ChosenPart {
  readonly part: number;
  readonly etag: string;
  /** By element, base64, where the client says them. */
  readonly checksums: readonly (readonly [element: string, value: string])[];
}

/**
 * The checksum of what parts make together. What the request says of it, and of its parts, must be right.
 *
 * @throws S3Error NoSuchUpload, InvalidPart, InvalidRequest, BadDigest
 */
async function checksumOfParts(request: S3ObjectRequest, chosen: readonly ChosenPart[]): Promise<WholeChecksum> {
  const { storage, req } = request;
  const { checksum } = await findUpload(request);
  const type = req.headers["x-amz-checksum-type"];
  if (type !== undefined && String(type).toUpperCase() !== checksum?.type) {
    throw new S3Error("InvalidRequest", {
      message: "The checksum type is not the one that the upload was created with.",
    });
  }
  const size = req.headers["x-amz-mp-object-size"];
  if (checksum === null && size === undefined) return { checksums: {} };
  const listed = await storage.uploads.listParts(uploadOf(request));
  const stored = new Map(listed.parts.map((part) => [part.partNumber, part]));
  const parts = chosen.map(({ part, etag, checksums }) => {
    const found = stored.get(part);
    if (found === undefined || found.etag !== etag) throw new S3Error("InvalidPart");
    if (checksum !== null && found.checksum !== null) checkPart(found.checksum, checksum, checksums);
    return { size: found.size, checksum: found.checksum ?? "" };
  });
  if (size !== undefined && Number(size) !== parts.reduce((sum, part) => sum + part.size, 0)) {
    throw new S3Error("InvalidRequest", {
      message: "The provided 'x-amz-mp-object-size' header value does not match what was computed.",
    });
  }
  // Functions put parts without a checksum into any upload of their bucket.
  if (checksum === null || parts.some((part) => part.checksum === "")) return { checksums: {} };
  const whole = await wholeChecksum(checksum, parts);
  const sent = req.headers[`x-amz-checksum-${checksum.algorithm}`];
  const hex = whole.composite?.hex ?? whole.checksums[checksum.algorithm] ?? "";
  const value = `${base64Of(hex)}${whole.composite === undefined ? "" : `-${parts.length}`}`;
  if (sent !== undefined && sent !== value) throw new S3Error("BadDigest");
  return whole;
}

function checkPart(hex: string, { algorithm }: UploadChecksum, sent: ChosenPart["checksums"]): void {
  for (const [element, value] of sent) {
    if (element !== checksumElement(algorithm)) {
      throw new S3Error("InvalidRequest", {
        message: `The upload was created using a ${algorithm} checksum, and its parts have no other.`,
      });
    }
    if (value !== base64Of(hex)) throw new S3Error("InvalidPart");
  }
}
