import {
  createProjectKeyRequestSchema,
  createProjectKeyResponseSchema,
  listProjectKeysResponseSchema,
  type ProjectKey,
  pageQuerySchema,
  projectKeyParamsSchema,
  projectParamsSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toIso, toIsoOrNull } from "../kernel/page.ts";
import type { ProjectKeyService } from "./service.ts";
import type { ProjectKeyRow } from "./store.ts";

const TAG = "Project keys";

// Only accounts manage keys: a secret key that leaks must not be able to make itself successors.
export function projectKeyRoutes(keys: ProjectKeyService): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/keys",
      summary: "List a project's keys",
      tag: TAG,
      auth: "account",
      permission: "keys.read",
      params: projectParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listProjectKeysResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project, query }) => {
        const page = await keys.list(project, query);
        return { keys: page.items.map(show), nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/keys",
      summary: "Create a project key",
      description:
        "Secret keys may do everything within the project and stay on servers; public keys are for browsers and apps. The key is shown in this answer and never again.",
      tag: TAG,
      auth: "account",
      permission: "keys.write",
      params: projectParamsSchema,
      body: createProjectKeyRequestSchema,
      response: { status: 201, schema: createProjectKeyResponseSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      idempotent: true,
      handler: async ({ project, body }) => {
        const expiresAtMs = body.expiresAt === undefined ? undefined : Date.parse(body.expiresAt);
        const { row, secret } = await keys.create(project, { name: body.name, kind: body.kind, expiresAtMs });
        return { key: show(row), secret };
      },
    }),
    defineRoute({
      method: "delete",
      path: "/api/v1/projects/:project/keys/:key",
      summary: "Revoke a project key",
      description: "The key is refused everywhere within a second.",
      tag: TAG,
      auth: "account",
      permission: "keys.write",
      params: projectKeyParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project, params }) => {
        await keys.revoke(project, params.key);
        return { success: true as const };
      },
    }),
  ];
}

function show(row: ProjectKeyRow): ProjectKey {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    prefix: row.prefix,
    createdAt: toIso(row.created_at),
    expiresAt: toIsoOrNull(row.expires_at),
    lastUsedAt: toIsoOrNull(row.last_used_at),
    revokedAt: toIsoOrNull(row.revoked_at),
  };
}
