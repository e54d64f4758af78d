import {
  createS3KeyRequestSchema,
  createS3KeyResponseSchema,
  listS3KeysResponseSchema,
  pageQuerySchema,
  projectParamsSchema,
  s3KeyParamsSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso, toIsoOrNull } from "../../kernel/page.ts";
import { S3_REGION } from "../s3/s3-request.ts";
import type { S3Keys } from "./service.ts";
import type { S3KeyRow } from "./store.ts";

const TAG = "S3 keys";

function show(row: S3KeyRow) {
  return {
    accessKeyId: row.access_key_id,
    name: row.name,
    access: row.access,
    createdAt: toIso(row.created_at),
    revokedAt: toIsoOrNull(row.revoked_at),
  };
}

export interface S3KeyRoutesOptions {
  readonly keys: S3Keys;
  /** Where S3 clients reach the server. */
  readonly endpoint: string;
}

// Only accounts manage keys: a secret key that leaks must not be able to make itself successors.
export function createS3KeyRoutes({ keys, endpoint }: S3KeyRoutesOptions): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/s3-keys",
      summary: "List a project's S3 keys",
      tag: TAG,
      auth: "account",
      permission: "keys.read",
      params: projectParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listS3KeysResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, query }) {
        const { items, nextCursor } = await keys.list(project.id, query);
        return { keys: items.map(show), nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/s3-keys",
      summary: "Create an S3 key",
      description:
        "For clients that speak S3's protocol. The secret is shown in this answer and never again. One that is made with a limited account key has that key's scopes and addresses, and ends with it.",
      tag: TAG,
      auth: "account",
      permission: "keys.write",
      params: projectParamsSchema,
      body: createS3KeyRequestSchema,
      response: { status: 201, schema: createS3KeyResponseSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      idempotent: true,
      async handler({ principal, project, body }) {
        const isLimited = principal.via === "key" && principal.limits != null;
        const makerKeyId = isLimited ? principal.credentialId : undefined;
        const { row, secret } = await keys.create(project.id, { ...body, makerKeyId });
        return { key: show(row), secretAccessKey: secret, endpoint, region: S3_REGION };
      },
    }),
    defineRoute({
      method: "delete",
      path: "/api/v1/projects/:project/s3-keys/:key",
      summary: "Revoke an S3 key",
      description: "The key is refused everywhere within a second.",
      tag: TAG,
      auth: "account",
      permission: "keys.write",
      params: s3KeyParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        await keys.revoke(project.id, params.key);
        return { success: true as const };
      },
    }),
  ];
}
