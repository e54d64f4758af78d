import {
  createProjectKeyRequestSchema,
  createProjectKeyResponseSchema,
  listProjectKeysResponseSchema,
  pageQuerySchema,
  projectKeyParamsSchema,
  projectParamsSchema,
  rotateKeyRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { readNewLimits } from "./key-record.ts";
import { type ProjectKeyService, showProjectKey } from "./service.ts";

const TAG = "Project keys";
const MS_PER_SECOND = 1_000;

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
        return { keys: page.items.map(showProjectKey), nextCursor: page.nextCursor };
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
      handler: async ({ principal, project, body: { name, kind, ...limits } }) => {
        const input = { name, kind, ...readNewLimits(limits), maker: principal.limits };
        const { row, secret } = await keys.create(project, input);
        return { key: showProjectKey(row), secret };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/keys/:key/rotate",
      summary: "Rotate a project key",
      description:
        "Makes a key that may do what the old one may. The old one goes on working for the grace, a day by default.",
      tag: TAG,
      auth: "account",
      permission: "keys.write",
      params: projectKeyParamsSchema,
      body: rotateKeyRequestSchema,
      response: { status: 201, schema: createProjectKeyResponseSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      idempotent: true,
      handler: async ({ principal, project, params, body }) => {
        const input = { graceMs: body.graceSeconds * MS_PER_SECOND, maker: principal.limits };
        const { row, secret } = await keys.rotate(project, params.key, input);
        return { key: showProjectKey(row), secret };
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
