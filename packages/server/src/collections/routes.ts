import {
  AerostackError,
  type CollectionView,
  collectionParamsSchema,
  collectionResponseSchema,
  collectionRulesSchema,
  deleteCollectionQuerySchema,
  listCollectionsResponseSchema,
  projectParamsSchema,
  putCollectionRequestSchema,
  putCollectionResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { Collection } from "./definition.ts";
import type { CollectionService } from "./service.ts";

const TAG = "Collections";
const PATH = "/api/v1/projects/:project/collections";

export function showCollection(collection: Collection): CollectionView {
  const { id, name, version, createdAt, updatedAt, definition } = collection;
  return { id, name, version, ...definition, createdAt, updatedAt };
}

/** A project's collections for its owner: their schemas, indexes and rules. */
export function createCollectionRoutes(options: { readonly collections: CollectionService }): Route[] {
  const { collections } = options;
  return [
    defineRoute({
      method: "get",
      path: PATH,
      summary: "List collections",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: projectParamsSchema,
      response: { status: 200, schema: listCollectionsResponseSchema },
      async handler({ project }) {
        return { collections: (await collections.list(project.id)).map(showCollection), nextCursor: null };
      },
    }),

    defineRoute({
      method: "get",
      path: `${PATH}/:collection`,
      summary: "Read a collection's definition",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: collectionParamsSchema,
      response: { status: 200, schema: collectionResponseSchema },
      async handler({ project, params }) {
        return { collection: showCollection(await collections.require(project.id, params.collection)) };
      },
    }),

    defineRoute({
      method: "put",
      path: `${PATH}/:collection`,
      summary: "Create or change a collection",
      description:
        "The table is changed in one transaction with the definition. What only adds is done at once; what loses data (a field removed or of another type) needs `allowDestructive`.",
      tag: TAG,
      auth: "management",
      permission: "schema.write",
      params: collectionParamsSchema,
      body: putCollectionRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: putCollectionResponseSchema },
      errors: ["CONFLICT", "DB_QUERY_FAILED"],
      async handler({ project, params, body }) {
        const { allowDestructive, dryRun, ...definition } = body;
        const put = { allowDestructive, dryRun };
        const outcome = await collections.put(project.id, params.collection, definition, put);
        return {
          collection: showCollection(outcome.collection),
          created: outcome.created,
          changes: [...outcome.changes],
        };
      },
    }),

    defineRoute({
      method: "put",
      path: `${PATH}/:collection/rules`,
      summary: "Set a collection's access rules",
      tag: TAG,
      auth: "management",
      permission: "schema.write",
      params: collectionParamsSchema,
      body: collectionRulesSchema,
      bodyIsContent: true,
      response: { status: 200, schema: collectionResponseSchema },
      errors: ["CONFLICT"],
      async handler({ project, params, body }) {
        return { collection: showCollection(await collections.setRules(project.id, params.collection, body)) };
      },
    }),

    defineRoute({
      method: "delete",
      path: `${PATH}/:collection`,
      summary: "Delete a collection with its items",
      tag: TAG,
      auth: "management",
      permission: "schema.write",
      params: collectionParamsSchema,
      query: deleteCollectionQuerySchema,
      response: { status: 200, schema: successSchema },
      errors: ["CONFLICT"],
      async handler({ project, params, query }) {
        if (query.confirm !== params.collection) {
          throw new AerostackError("VALIDATION_ERROR", {
            message: "Deleting a collection deletes its items: name it once more in `confirm`.",
            details: { fieldErrors: { confirm: [`must be '${params.collection}'`] } },
          });
        }
        await collections.delete(project.id, params.collection);
        return { success: true as const };
      },
    }),
  ];
}
