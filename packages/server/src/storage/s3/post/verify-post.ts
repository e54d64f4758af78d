import { timingSafeEqual } from "node:crypto";
import { deriveSigningKey, SIGV4_ALGORITHM, sign } from "@aerostack/kernel";
import type { S3Caller, S3Keys } from "../../access-keys/service.ts";
import { MAX_EXPIRES_SECONDS, parseCredential, TIMESTAMP } from "../auth/read-signature.ts";
import { MAX_SKEW_MS, timeOf } from "../auth/verify-request.ts";
import { S3Error } from "../s3-error.ts";

const SIGNATURE = /^[0-9a-f]{64}$/;

/**
 * Whose policy a form carries: it is signed with a key's secret, and for at most a week from its date.
 *
 * @throws S3Error AccessDenied where it carries none, InvalidAccessKeyId, SignatureDoesNotMatch
 */
export async function verifyPost(
  fields: ReadonlyMap<string, string>,
  { keys, now }: { readonly keys: Pick<S3Keys, "find">; readonly now: number },
): Promise<S3Caller> {
  const [policy, algorithm, credentialText, timestamp, signature] = [
    "policy",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-signature",
  ].map((name) => fields.get(name));
  if (policy === undefined || signature === undefined) throw new S3Error("AccessDenied");
  const credential = parseCredential(credentialText ?? "");
  const isValid =
    algorithm === SIGV4_ALGORITHM &&
    SIGNATURE.test(signature) &&
    timestamp !== undefined &&
    TIMESTAMP.test(timestamp) &&
    credential !== undefined &&
    timestamp.startsWith(credential.scope.date);
  if (!isValid) {
    throw new S3Error("InvalidArgument", {
      message: `A form needs x-amz-algorithm (${SIGV4_ALGORITHM}), x-amz-credential, x-amz-date of the same day, and x-amz-signature.`,
    });
  }
  const { accessKeyId, scope } = credential;
  const caller = await keys.find(accessKeyId);
  if (caller === null) throw new S3Error("InvalidAccessKeyId", { fields: { AWSAccessKeyId: accessKeyId } });
  const expected = Buffer.from(sign(deriveSigningKey(caller.secret, scope), policy));
  if (!timingSafeEqual(expected, Buffer.from(signature))) throw new S3Error("SignatureDoesNotMatch");
  const age = now - timeOf(timestamp);
  if (age > MAX_EXPIRES_SECONDS * 1000 || age < -MAX_SKEW_MS) {
    throw new S3Error("AccessDenied", { message: "Invalid according to Policy: Policy expired." });
  }
  return caller;
}
