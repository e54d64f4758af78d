import { type Clock, createS3Client, parseS3Location, S3CallError } from "@aerostack/kernel";
import { StartError } from "./start-error.ts";

/** Looks into the bucket once, so that a wrong key or name stops the start and not the first upload. @throws StartError */
export async function requireBucket(url: string, clock: Clock): Promise<void> {
  const client = createS3Client(parseS3Location(url), clock);
  try {
    await client.text({ method: "GET", query: { "list-type": "2", "max-keys": "1" } });
  } catch (cause) {
    const reason = cause instanceof S3CallError ? cause.message : "the bucket does not answer";
    throw new StartError(`AEROSTACK_S3_URL: ${reason}; check the address, the bucket, and that the key may use it.`, {
      cause,
    });
  } finally {
    client.close();
  }
}
