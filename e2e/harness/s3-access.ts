import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import type { Developer, Project } from "./developer.ts";

export interface S3Access {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly endpoint: string;
  readonly region: string;
}

/** A key of the project for clients that speak S3. */
export async function createS3Access(
  developer: Developer,
  project: Project,
  access: "read-write" | "read-only" = "read-write",
): Promise<S3Access> {
  const made = await developer.call<{
    key: { accessKeyId: string };
    secretAccessKey: string;
    endpoint: string;
    region: string;
  }>("POST", `/api/v1/projects/${project.id}/s3-keys`, { name: "tests", access });
  const { secretAccessKey, endpoint, region } = made;
  return { accessKeyId: made.key.accessKeyId, secretAccessKey, endpoint, region };
}

/** The AWS SDK as anybody sets it up. */
export function createS3Client(access: S3Access, options: S3ClientConfig = {}): S3Client {
  const { accessKeyId, secretAccessKey, endpoint, region } = access;
  return new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: 1,
    ...options,
  });
}
