import { apiPath } from "../../api/api-client.ts";

/** Address of an object; the slashes of its key stay slashes. */
export function objectPath(projectId: string, bucket: string, key: string): string {
  return apiPath("projects", projectId, "storage", bucket, "objects", ...key.split("/"));
}
