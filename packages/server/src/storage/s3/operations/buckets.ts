import { isPublicAcl } from "../object-headers.ts";
import { S3Error, type S3ErrorCode, toS3Error } from "../s3-error.ts";
import {
  answerEmpty,
  answerXml,
  checkS3Key,
  isoOf,
  ownerOf,
  readXmlBody,
  type S3BucketRequest,
  type S3Request,
} from "../s3-request.ts";
import { childrenOf, malformed, parseXmlOf, textOf, type XmlNode } from "../xml/parse-xml.ts";
import type { XmlElements } from "../xml/write-xml.ts";

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const MAX_DELETE_KEYS = 1000;
const MAX_DELETE_BYTES = 2 * 1024 * 1024;
const MAX_SETTINGS_BYTES = 64 * 1024;
const DEFAULT_BUCKET = "default";

/** ListBuckets. */
export async function listBuckets(request: S3Request): Promise<void> {
  const { storage, caller } = request;
  const buckets = await storage.buckets.list(caller.projectId);
  answerXml(request, "ListAllMyBucketsResult", {
    Owner: ownerOf(caller),
    Buckets: { Bucket: buckets.map(({ name, createdAt }) => ({ Name: name, CreationDate: isoOf(createdAt) })) },
  });
}

/** CreateBucket. */
export async function createBucket(request: S3BucketRequest): Promise<void> {
  const { storage, req, name } = request;
  if (!NAME.test(name.bucket)) throw new S3Error("InvalidBucketName", { fields: { BucketName: name.bucket } });
  if (isPublicAcl(req.headers["x-amz-acl"])) throw new S3Error("AccessControlListNotSupported");
  const body = await readXmlBody(request, MAX_SETTINGS_BYTES);
  if (body.trim() !== "") parseXmlOf("CreateBucketConfiguration", body);
  await storage.buckets.create(name);
  answerEmpty(request, 200, { location: `/${name.bucket}` });
}

/** DeleteBucket. */
export async function deleteBucket(request: S3BucketRequest): Promise<void> {
  const { storage, name } = request;
  if (name.bucket === DEFAULT_BUCKET) {
    throw new S3Error("AccessDenied", { message: `Every project keeps the bucket '${DEFAULT_BUCKET}'.` });
  }
  await storage.buckets.delete(name);
  answerEmpty(request, 204);
}

/** DeleteObjects. */
export async function deleteObjects(request: S3BucketRequest): Promise<void> {
  const { storage, name } = request;
  const document = parseXmlOf("Delete", await readXmlBody(request, MAX_DELETE_BYTES));
  const isQuiet = textOf(document, "Quiet")?.trim() === "true";
  const asked = childrenOf(document, "Object");
  if (asked.length === 0 || asked.length > MAX_DELETE_KEYS) throw malformed();
  const keys: string[] = [];
  const errors: XmlElements[] = [];
  for (const node of asked) {
    const key = textOf(node, "Key");
    if (key === undefined) throw malformed();
    try {
      if (textOf(node, "ETag") !== undefined) throw new S3Error("NotImplemented");
      keys.push(checkS3Key(key));
    } catch (error) {
      const { code, message } = toS3Error(error);
      errors.push({ Key: key, Code: code, Message: message });
    }
  }
  if (keys.length > 0) await storage.delete(name, [...new Set(keys)]);
  answerXml(request, "DeleteResult", {
    Deleted: isQuiet ? undefined : keys.map((Key) => ({ Key })),
    Error: errors,
  });
}

/** What a bucket's settings are that S3 has and that are always the same here. */
const FIXED: Readonly<Record<string, { readonly root: string; readonly content: XmlElements }>> = {
  location: { root: "LocationConstraint", content: {} },
  versioning: { root: "VersioningConfiguration", content: {} },
  logging: { root: "BucketLoggingStatus", content: {} },
  notification: { root: "NotificationConfiguration", content: {} },
  accelerate: { root: "AccelerateConfiguration", content: {} },
  requestPayment: { root: "RequestPaymentConfiguration", content: { Payer: "BucketOwner" } },
  policyStatus: { root: "PolicyStatus", content: { IsPublic: false } },
  encryption: {
    root: "ServerSideEncryptionConfiguration",
    content: {
      Rule: { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" }, BucketKeyEnabled: false },
    },
  },
};
const ABSENT: Readonly<Record<string, S3ErrorCode>> = {
  policy: "NoSuchBucketPolicy",
  cors: "NoSuchCORSConfiguration",
  tagging: "NoSuchTagSet",
  website: "NoSuchWebsiteConfiguration",
  replication: "ReplicationConfigurationNotFoundError",
  "object-lock": "ObjectLockConfigurationNotFoundError",
  publicAccessBlock: "NoSuchPublicAccessBlockConfiguration",
  ownershipControls: "OwnershipControlsNotFoundError",
};
/** Settings of buckets, and what else a bucket's query may ask for that is not done. */
export const BUCKET_SETTINGS: ReadonlySet<string> = new Set([
  ...Object.keys(FIXED),
  ...Object.keys(ABSENT),
  "acl",
  "lifecycle",
  "inventory",
  "metrics",
  "analytics",
  "intelligent-tiering",
]);

/** Answers what clients probe for; nothing of it can be set but lifecycle rules. */
export async function bucketSetting(request: S3BucketRequest, setting: string): Promise<void> {
  const { req, caller } = request;
  if (setting === "lifecycle") return await lifecycle(request);
  const isRead = req.method === "GET" || req.method === "HEAD";
  const fixed = FIXED[setting];
  if (isRead && fixed !== undefined) return answerXml(request, fixed.root, fixed.content);
  const absent = ABSENT[setting];
  if (isRead && absent !== undefined) throw new S3Error(absent);
  if (setting === "acl") {
    if (isRead) return answerXml(request, "AccessControlPolicy", aclOf(ownerOf(caller), false));
    if (isPublicAcl(req.headers["x-amz-acl"])) throw new S3Error("AccessControlListNotSupported");
    if (req.method === "PUT" && !grantsAll(await readXmlBody(request, MAX_SETTINGS_BYTES))) {
      return answerEmpty(request, 200);
    }
    throw new S3Error("AccessControlListNotSupported");
  }
  throw new S3Error("NotImplemented");
}

const ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers";

function granteeOf(type: "CanonicalUser" | "Group"): string {
  return `Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}"`;
}

export function aclOf(owner: XmlElements, isPublic: boolean): XmlElements {
  const grants: XmlElements[] = [{ [granteeOf("CanonicalUser")]: owner, Permission: "FULL_CONTROL" }];
  if (isPublic) grants.push({ [granteeOf("Group")]: { URI: ALL_USERS }, Permission: "READ" });
  return { Owner: owner, AccessControlList: { Grant: grants } };
}

/** Whether an ACL's document, empty for none, lets everybody read. @throws S3Error where it lets them do more */
export function grantsAll(xml: string): boolean {
  if (xml.trim() === "") return false;
  const document = parseXmlOf("AccessControlPolicy", xml);
  const grants = childrenOf(document, "AccessControlList").flatMap((list) => childrenOf(list, "Grant"));
  const toAll = grants.filter((grant) =>
    childrenOf(grant, "Grantee").some((grantee) => textOf(grantee, "URI")?.trim() === ALL_USERS),
  );
  if (toAll.some((grant) => textOf(grant, "Permission")?.trim() !== "READ")) {
    throw new S3Error("AccessControlListNotSupported");
  }
  return toAll.length > 0;
}

async function lifecycle(request: S3BucketRequest): Promise<void> {
  const { storage, req, name } = request;
  if (req.method === "GET") {
    const rules = await storage.buckets.lifecycle(name);
    if (rules.length === 0) throw new S3Error("NoSuchLifecycleConfiguration");
    answerXml(request, "LifecycleConfiguration", {
      Rule: rules.map((rule) => ({
        ID: rule.id,
        Filter: { Prefix: rule.prefix },
        Status: rule.isEnabled ? "Enabled" : "Disabled",
        Expiration: rule.expireAfterDays === undefined ? undefined : { Days: rule.expireAfterDays },
        AbortIncompleteMultipartUpload:
          rule.abortUploadsAfterDays === undefined ? undefined : { DaysAfterInitiation: rule.abortUploadsAfterDays },
      })),
    });
    return;
  }
  if (req.method === "DELETE") {
    await storage.buckets.setLifecycle(name, []);
    answerEmpty(request, 204);
    return;
  }
  if (req.method !== "PUT") throw new S3Error("MethodNotAllowed");
  const document = parseXmlOf("LifecycleConfiguration", await readXmlBody(request, MAX_SETTINGS_BYTES));
  const rules = childrenOf(document, "Rule").map(ruleOf);
  if (rules.length === 0 || rules.length > 100 || new Set(rules.map(({ id }) => id)).size !== rules.length) {
    throw malformed();
  }
  await storage.buckets.setLifecycle(name, rules);
  answerEmpty(request, 200);
}

/** What is not done is refused, not left out: a rule would do other than its owner believes. */
const KNOWN_RULE = new Set(["ID", "Filter", "Prefix", "Status", "Expiration", "AbortIncompleteMultipartUpload"]);

function ruleOf(node: XmlNode, index: number) {
  const unknown = node.children.find((child) => !KNOWN_RULE.has(child.name));
  if (unknown !== undefined) throw new S3Error("NotImplemented", { message: `${unknown.name} is not supported.` });
  const [filter] = childrenOf(node, "Filter");
  if (filter?.children.some((child) => child.name !== "Prefix")) {
    throw new S3Error("NotImplemented", { message: "Only prefixes are supported as filters." });
  }
  const days = (element: string, field: string): number | undefined => {
    const [child] = childrenOf(node, element);
    if (child === undefined) return undefined;
    const value = Number(textOf(child, field)?.trim());
    if (!Number.isInteger(value) || value < 1 || value > 36_500) {
      throw new S3Error("InvalidArgument", { message: `'${field}' for ${element} must be a positive integer` });
    }
    return value;
  };
  const expireAfterDays = days("Expiration", "Days");
  const abortUploadsAfterDays = days("AbortIncompleteMultipartUpload", "DaysAfterInitiation");
  if (expireAfterDays === undefined && abortUploadsAfterDays === undefined) throw malformed();
  const id = textOf(node, "ID")?.trim() || `rule-${index + 1}`;
  if (!/^[\w. -]{1,255}$/.test(id)) throw new S3Error("InvalidArgument", { message: "A rule's ID is not valid." });
  return {
    id,
    isEnabled: textOf(node, "Status")?.trim() === "Enabled",
    prefix: (filter === undefined ? textOf(node, "Prefix") : textOf(filter, "Prefix")) ?? "",
    ...(expireAfterDays === undefined ? {} : { expireAfterDays }),
    ...(abortUploadsAfterDays === undefined ? {} : { abortUploadsAfterDays }),
  };
}
