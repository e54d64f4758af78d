import { isPublicAcl } from "../object-headers.ts";
import { tagsAsXml, tagsOfXml } from "../object-tags.ts";
import { S3Error, type S3ErrorCode } from "../s3-error.ts";
import { answerEmpty, answerXml, ownerOf, readXmlBody, type S3ObjectRequest } from "../s3-request.ts";
import { aclOf, grantsAll } from "./buckets.ts";
import { requireNullVersion } from "./read-object.ts";

const MAX_SETTINGS_BYTES = 64 * 1024;
const NOT_DONE: Readonly<Record<string, S3ErrorCode>> = {
  "legal-hold": "NotImplemented",
  retention: "NotImplemented",
  torrent: "NotImplemented",
  restore: "NotImplemented",
  select: "NotImplemented",
};

export const OBJECT_SETTINGS: ReadonlySet<string> = new Set(["acl", "tagging", ...Object.keys(NOT_DONE)]);

/** What an object has besides bytes and headers: who may read it, and its tags. */
export async function objectSetting(request: S3ObjectRequest, setting: string): Promise<void> {
  const { storage, req, name, key, caller } = request;
  requireNullVersion(request);
  const object = await storage.head(name, key);
  if (object === null) throw new S3Error("NoSuchKey", { fields: { Key: key } });
  const notDone = NOT_DONE[setting];
  if (notDone !== undefined) throw new S3Error(notDone);
  if (setting === "acl") {
    if (req.method === "GET") {
      answerXml(request, "AccessControlPolicy", aclOf(ownerOf(caller), object.isPublic));
      return;
    }
    if (req.method !== "PUT") throw new S3Error("MethodNotAllowed");
    const canned = req.headers["x-amz-acl"];
    const isPublic =
      canned === undefined ? grantsAll(await readXmlBody(request, MAX_SETTINGS_BYTES)) : isPublicAcl(canned);
    if (isPublic !== object.isPublic) await storage.setAttributes(name, key, { isPublic });
    answerEmpty(request, 200);
    return;
  }
  switch (req.method) {
    case "GET":
      answerXml(request, "Tagging", tagsAsXml(object.tags));
      return;
    case "PUT":
      await storage.setAttributes(name, key, { tags: tagsOfXml(await readXmlBody(request, MAX_SETTINGS_BYTES)) });
      answerEmpty(request, 200);
      return;
    case "DELETE":
      await storage.setAttributes(name, key, { tags: {} });
      answerEmpty(request, 204);
      return;
    default:
      throw new S3Error("MethodNotAllowed");
  }
}
