import { S3Error } from "../s3-error.ts";

/** What the fields of a form must be, as whoever signed it wants. Names are in lower case. */
export interface PostPolicy {
  readonly conditions: readonly FieldCondition[];
  /** Bytes of the file, both included. */
  readonly minBytes: number;
  readonly maxBytes: number;
}

interface FieldCondition {
  readonly kind: "eq" | "starts-with";
  readonly field: string;
  readonly value: string;
}

/** Fields that carry the signature itself; and the file, of which `content-length-range` speaks. */
const UNCONDITIONED = new Set(["policy", "x-amz-signature", "file"]);
const IGNORED_PREFIX = "x-ignore-";
const REDIRECTS = ["success_action_redirect", "redirect"] as const;
const MAX_CONDITIONS = 200;

/**
 * Reads a policy that was signed: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 *
 * @param encoded base64, as it was signed
 * @param maxBytes of a file where the policy says nothing
 * @throws S3Error InvalidPolicyDocument, AccessDenied once it has expired
 */
export function parsePostPolicy(encoded: string, now: number, maxBytes: number): PostPolicy {
  const { expiration, conditions } = fieldsOf(parseJson(encoded));
  const expiresAt = typeof expiration === "string" ? Date.parse(expiration) : Number.NaN;
  if (Number.isNaN(expiresAt)) throw invalid("Policy must contain a valid expiration");
  if (expiresAt <= now) throw denied("Policy expired.");
  if (!Array.isArray(conditions) || conditions.length > MAX_CONDITIONS) throw invalid("Policy must contain conditions");
  const found: FieldCondition[] = [];
  let range = { minBytes: 0, maxBytes };
  for (const condition of conditions as unknown[]) {
    if (Array.isArray(condition) && condition[0] === "content-length-range") range = narrow(range, condition);
    else found.push(...conditionsOf(condition));
  }
  return { conditions: found, ...range };
}

/**
 * Checks every field of a form, and the bucket that it was sent to, against the policy: what it does not name is refused.
 *
 * @throws S3Error AccessDenied
 */
export function checkPostFields(policy: PostPolicy, fields: ReadonlyMap<string, string>): void {
  for (const condition of policy.conditions) {
    const value = fields.get(condition.field) ?? "";
    const holds = condition.kind === "eq" ? value === condition.value : value.startsWith(condition.value);
    if (!holds) {
      const { kind, field, value: wanted } = condition;
      throw denied(`Policy Condition failed: ${JSON.stringify([kind, `$${field}`, wanted])}`);
    }
  }
  const named = new Set(policy.conditions.map(({ field }) => field));
  const extra = [...fields.keys()].filter(
    (field) => !named.has(field) && !UNCONDITIONED.has(field) && !field.startsWith(IGNORED_PREFIX),
  );
  if (extra.length > 0) throw denied(`Extra input fields: ${extra.join(", ")}`);
  for (const field of REDIRECTS) {
    if (fields.has(field) && !fixesOrigin(policy, field)) {
      throw denied(`The policy leaves open to which host ${field} leads.`);
    }
  }
}

/** Whether a policy says itself to which host a redirect goes, so that a form cannot lead anywhere else. */
function fixesOrigin({ conditions }: PostPolicy, name: string): boolean {
  return conditions.some(({ kind, field, value }) => {
    if (field !== name || !URL.canParse(value)) return false;
    return kind === "eq" || value.startsWith(`${new URL(value).origin}/`);
  });
}

function conditionsOf(condition: unknown): FieldCondition[] {
  if (Array.isArray(condition)) {
    const [kind, name, value, ...rest] = condition as unknown[];
    const isText = typeof kind === "string" && typeof name === "string" && typeof value === "string";
    if (!isText || rest.length > 0 || !name.startsWith("$")) throw invalid("a condition is not valid");
    const known = kind.toLowerCase();
    if (known !== "eq" && known !== "starts-with") throw invalid(`unknown condition '${kind.slice(0, 100)}'`);
    return [{ kind: known, field: name.slice(1).toLowerCase(), value }];
  }
  return Object.entries(fieldsOf(condition)).map(([name, value]) => {
    if (typeof value !== "string") throw invalid("a condition is not valid");
    return { kind: "eq" as const, field: name.toLowerCase(), value };
  });
}

function narrow(
  range: { readonly minBytes: number; readonly maxBytes: number },
  [, min, max, ...rest]: readonly unknown[],
) {
  const [least, most] = [min, max].map((bound) => (typeof bound === "string" && bound !== "" ? Number(bound) : bound));
  if (!Number.isSafeInteger(least) || !Number.isSafeInteger(most) || rest.length > 0) {
    throw invalid("content-length-range must have two numbers");
  }
  return {
    minBytes: Math.max(range.minBytes, least as number),
    maxBytes: Math.min(range.maxBytes, most as number),
  };
}

function parseJson(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
  } catch {
    throw invalid("it is not JSON in base64");
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("it is not as it must be");
  return value as Readonly<Record<string, unknown>>;
}

function invalid(why: string): S3Error {
  return new S3Error("InvalidPolicyDocument", { message: `Invalid Policy: ${why}.` });
}

function denied(why: string): S3Error {
  return new S3Error("AccessDenied", { message: `Invalid according to Policy: ${why}` });
}
