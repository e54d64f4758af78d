/** A bucket and the key that opens it. */
export interface S3Location {
  /** Scheme, host and port. */
  readonly origin: string;
  /** In front of the bucket's name; empty or beginning with a slash. */
  readonly basePath: string;
  readonly bucket: string;
  /** In front of every object's key; empty or ending with a slash. */
  readonly prefix: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const DEFAULT_REGION = "us-east-1";

/**
 * Reads `https://<key id>:<secret>@<host>[/<path>]/<bucket>?region=…&prefix=…`, or `s3://<key id>:<secret>@<bucket>` for AWS.
 * Key and secret are percent-encoded.
 *
 * @throws Error saying what is missing, never what was found
 */
export function parseS3Location(text: string): S3Location {
  const url = new URL(text);
  const region = url.searchParams.get("region") ?? DEFAULT_REGION;
  const given = url.searchParams.get("prefix") ?? "";
  const prefix = given === "" || given.endsWith("/") ? given : `${given}/`;
  const accessKeyId = decodeURIComponent(url.username);
  const secretAccessKey = decodeURIComponent(url.password);
  if (accessKeyId === "" || secretAccessKey === "") throw new Error("it names no access key and secret");
  const common = { prefix, region, accessKeyId, secretAccessKey };
  if (url.protocol === "s3:") {
    return { ...common, origin: `https://s3.${region}.amazonaws.com`, basePath: "", bucket: url.hostname };
  }
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  const bucket = segments.pop();
  if (bucket === undefined) throw new Error("its path names no bucket");
  const basePath = segments.map((segment) => `/${segment}`).join("");
  return { ...common, origin: url.origin, basePath, bucket };
}
