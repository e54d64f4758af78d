import {
  AerostackError,
  bucketSchema,
  createBucketRequestSchema,
  lifecycleSchema,
  listBucketsResponseSchema,
  projectParamsSchema,
  storageBucketParamsSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { StorageService } from "../service.ts";

const TAG = "Storage";

/** Which buckets a project has, and what becomes of their objects by themselves. */
export function createBucketRoutes(options: { readonly storage: StorageService }): Route[] {
  const { buckets } = options.storage;
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/storage",
      summary: "List buckets",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: projectParamsSchema,
      response: { status: 200, schema: listBucketsResponseSchema },
      async handler({ project }) {
        const found = await buckets.list(project.id);
        return {
          buckets: found.map(({ name, createdAt }) => ({ name, createdAt: createdAt === 0 ? null : toIso(createdAt) })),
          nextCursor: null,
        };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/storage",
      summary: "Create a bucket",
      tag: TAG,
      auth: "management",
      permission: "schema.write",
      params: projectParamsSchema,
      body: createBucketRequestSchema,
      response: { status: 201, schema: bucketSchema },
      errors: ["CONFLICT"],
      async handler({ project, body }) {
        await buckets.create({ projectId: project.id, bucket: body.name });
        return { name: body.name };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/storage/:bucket/lifecycle",
      summary: "Read a bucket's lifecycle rules",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: storageBucketParamsSchema,
      response: { status: 200, schema: lifecycleSchema },
      async handler({ project, params }) {
        return { rules: await buckets.lifecycle({ projectId: project.id, bucket: params.bucket }) };
      },
    }),
    defineRoute({
      method: "put",
      path: "/api/v1/projects/:project/storage/:bucket/lifecycle",
      summary: "Set a bucket's lifecycle rules",
      description: "In the place of all that it had. What is due is done within an hour or so.",
      tag: TAG,
      auth: "management",
      permission: "schema.write",
      params: storageBucketParamsSchema,
      body: lifecycleSchema,
      response: { status: 200, schema: successSchema },
      async handler({ project, params, body }) {
        if (new Set(body.rules.map(({ id }) => id)).size !== body.rules.length) {
          throw new AerostackError("VALIDATION_ERROR", { message: "Two rules have the same id." });
        }
        await buckets.setLifecycle({ projectId: project.id, bucket: params.bucket }, body.rules);
        return { success: true as const };
      },
    }),
  ];
}
