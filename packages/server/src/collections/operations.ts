import {
  collectionItemParamsSchema,
  createdItemSchema,
  itemBodySchema,
  itemParamsSchema,
  itemResponseSchema,
  itemsParamsSchema,
  listItemsQuerySchema,
  listItemsResponseSchema,
  successSchema,
  updatedItemSchema,
} from "@aerostack/contracts";
import { type DataCall, defineOperation, type Operation } from "../edge/define-operation.ts";
import { readIdempotencyKey } from "../kernel/idempotency-key.ts";
import type { createCallerReader } from "./items/caller.ts";
import type { ItemAddress, ItemService } from "./items/service.ts";

const TAG = "Data plane: collections";
const MAX_ITEM_BYTES = 1_000_000;
const CHANGE = "The fields that are sent are changed, the others stay; null takes a value away.";

/** The items of collections, for keys and for users: who may do what is each collection's rules to say. */
export function createItemOperations(options: {
  readonly items: ItemService;
  readonly callerOf: ReturnType<typeof createCallerReader>;
}): Operation[] {
  const { items, callerOf } = options;

  async function change(call: DataCall<"project">, address: Omit<ItemAddress, "projectId">, body: Row) {
    const caller = await callerOf(call);
    const item = await items.update({ projectId: call.projectId, ...address }, body, caller);
    return { success: true as const, item };
  }
  async function remove(call: DataCall<"project">, address: Omit<ItemAddress, "projectId">) {
    await items.remove({ projectId: call.projectId, ...address }, await callerOf(call));
    return { success: true as const };
  }

  const changing = { tag: TAG, access: "project", body: itemBodySchema, maxBodyBytes: MAX_ITEM_BYTES } as const;
  const errors = ["NOT_FOUND", "FORBIDDEN", "AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED", "CONFLICT"] as const;
  return [
    defineOperation({
      method: "get",
      path: "/v1/collections/:name/items",
      summary: "List items of a collection",
      description:
        "Any field filters: `?done=false`, `?priority[gte]=2`, with the operators eq, ne, gt, gte, lt, lte, in, nin, contains, startsWith, has (in a list) and null; a path such as `data.owner.id` is what is within an object; `filter` takes the same as JSON with and, or and not. Only what the rule for list lets the caller see is listed and counted.",
      tag: TAG,
      access: "project",
      permission: "data.read",
      params: itemsParamsSchema,
      query: listItemsQuerySchema,
      response: { status: 200, schema: listItemsResponseSchema },
      errors,
      async handler({ call, params, query }) {
        const page = await items.list(call.projectId, params.name, query, await callerOf(call));
        return { ...page, items: [...page.items] };
      },
    }),
    defineOperation({
      method: "post",
      path: "/v1/collections/:name/items",
      summary: "Create an item",
      description: "What is wrong with it is said by field in `details.fieldErrors`.",
      ...changing,
      permission: "data.write",
      params: itemsParamsSchema,
      response: { status: 201, schema: createdItemSchema },
      errors: [...errors, "IDEMPOTENCY_KEY_REUSED"],
      idempotent: true,
      async handler({ call, params, body }) {
        const caller = await callerOf(call);
        const key = readIdempotencyKey(call.req.headers);
        if (key === undefined) return await items.create(call.projectId, params.name, body, caller);
        const { item, isRepeat } = await items.createOnce(call.projectId, params.name, body, caller, key);
        if (isRepeat) call.setHeader("idempotency-replayed", "true");
        return item;
      },
    }),
    defineOperation({
      method: "get",
      path: "/v1/collections/items/:id",
      summary: "Read an item by its id alone",
      tag: TAG,
      access: "project",
      permission: "data.read",
      params: itemParamsSchema,
      response: { status: 200, schema: itemResponseSchema },
      errors,
      handler: async ({ call, params }) =>
        await items.get({ projectId: call.projectId, collection: null, id: params.id }, await callerOf(call)),
    }),
    defineOperation({
      method: "put",
      path: "/v1/collections/items/:id",
      summary: "Change an item",
      description: CHANGE,
      ...changing,
      permission: "data.write",
      params: itemParamsSchema,
      response: { status: 200, schema: updatedItemSchema },
      errors,
      handler: ({ call, params, body }) => change(call, { collection: null, id: params.id }, body),
    }),
    defineOperation({
      method: "patch",
      path: "/v1/collections/items/:id",
      summary: "Change an item",
      description: CHANGE,
      ...changing,
      permission: "data.write",
      params: itemParamsSchema,
      response: { status: 200, schema: updatedItemSchema },
      errors,
      handler: ({ call, params, body }) => change(call, { collection: null, id: params.id }, body),
    }),
    defineOperation({
      method: "delete",
      path: "/v1/collections/items/:id",
      summary: "Delete an item",
      tag: TAG,
      access: "project",
      permission: "data.write",
      params: itemParamsSchema,
      response: { status: 200, schema: successSchema },
      errors,
      handler: ({ call, params }) => remove(call, { collection: null, id: params.id }),
    }),
    defineOperation({
      method: "get",
      path: "/v1/collections/:name/items/:id",
      summary: "Read an item of a collection",
      tag: TAG,
      access: "project",
      permission: "data.read",
      params: collectionItemParamsSchema,
      response: { status: 200, schema: itemResponseSchema },
      errors,
      handler: async ({ call, params: { name, id } }) =>
        await items.get({ projectId: call.projectId, collection: name, id }, await callerOf(call)),
    }),
    defineOperation({
      method: "put",
      path: "/v1/collections/:name/items/:id",
      summary: "Change an item of a collection",
      description: CHANGE,
      ...changing,
      permission: "data.write",
      params: collectionItemParamsSchema,
      response: { status: 200, schema: updatedItemSchema },
      errors,
      handler: ({ call, params: { name, id }, body }) => change(call, { collection: name, id }, body),
    }),
    defineOperation({
      method: "patch",
      path: "/v1/collections/:name/items/:id",
      summary: "Change an item of a collection",
      description: CHANGE,
      ...changing,
      permission: "data.write",
      params: collectionItemParamsSchema,
      response: { status: 200, schema: updatedItemSchema },
      errors,
      handler: ({ call, params: { name, id }, body }) => change(call, { collection: name, id }, body),
    }),
    defineOperation({
      method: "delete",
      path: "/v1/collections/:name/items/:id",
      summary: "Delete an item of a collection",
      tag: TAG,
      access: "project",
      permission: "data.write",
      params: collectionItemParamsSchema,
      response: { status: 200, schema: successSchema },
      errors,
      handler: ({ call, params: { name, id } }) => remove(call, { collection: name, id }),
    }),
  ];
}

type Row = Readonly<Record<string, unknown>>;
