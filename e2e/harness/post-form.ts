import { deriveSigningKey, scopeText, sign } from "../../packages/kernel/src/index.ts";
import type { S3Access } from "./s3-access.ts";

export interface PostFormRequest {
  readonly bucket?: string;
  /** Besides the bucket's and those of the signature. */
  readonly conditions: readonly unknown[];
  readonly fields: Readonly<Record<string, string>>;
  readonly expiresAt?: Date;
  readonly signedAt?: Date;
}

/** A form for S3's PostObject with a policy that is signed by hand. */
export function signPostForm(
  access: S3Access,
  request: PostFormRequest,
): { url: string; fields: Record<string, string> } {
  const { bucket = "default", signedAt = new Date() } = request;
  const timestamp = signedAt.toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = { date: timestamp.slice(0, 8), region: access.region, service: "s3" };
  const signing = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${access.accessKeyId}/${scopeText(scope)}`,
    "x-amz-date": timestamp,
  };
  const policy = {
    expiration: (request.expiresAt ?? new Date(Date.now() + 60_000)).toISOString(),
    conditions: [
      { bucket },
      ...request.conditions,
      ...Object.entries(signing).map(([name, value]) => ({ [name]: value })),
    ],
  };
  const encoded = Buffer.from(JSON.stringify(policy)).toString("base64");
  const signature = sign(deriveSigningKey(access.secretAccessKey, scope), encoded);
  const fields = { ...request.fields, ...signing, policy: encoded, "x-amz-signature": signature };
  return { url: `${access.endpoint}/${bucket}`, fields };
}

/** Sends a form with its file last, as a browser does. */
export async function sendPostForm(
  { url, fields }: { readonly url: string; readonly fields: Readonly<Record<string, string>> },
  file: string | Buffer,
  fileName = "file.bin",
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob([new Uint8Array(Buffer.from(file))]), fileName);
  return await fetch(url, { method: "POST", body: form, redirect: "manual" });
}
