import { z } from "zod";
import { nextCursorSchema, pageQuerySchema, successSchema, timestampSchema } from "./common.ts";
import { projectParamsSchema } from "./projects.ts";

/** Names that addresses or SQL need for themselves. */
const RESERVED_COLLECTION_NAMES = new Set(["items", "edit", "readfile", "writefile", "load_extension"]);
const RESERVED_PREFIX = /^(?:sqlite_|pragma_|aerostack_)/;

/** The name of a collection: also of its table, and the beginning of its items' ids. */
export const collectionNameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9_-]{0,62}$/,
    "Use 1 to 63 lower-case letters, digits, '-' or '_', starting with a letter, such as 'todos'.",
  )
  .refine((name) => !RESERVED_COLLECTION_NAMES.has(name) && !RESERVED_PREFIX.test(name), {
    error: "This name is kept for the platform.",
  });

/** What every item has besides the fields of its schema. */
export const ITEM_SYSTEM_FIELDS = ["id", "owner_id", "created_at", "updated_at"] as const;

export const COLLECTION_OPERATIONS = ["list", "get", "create", "update", "delete"] as const;
export type CollectionOperation = (typeof COLLECTION_OPERATIONS)[number];

const MAX_RULE_CHARACTERS = 1_000;
/** `none`, `public`, `signed-in`, `owner`, or an expression over `row`, `new` and `user`. */
export const collectionRuleSchema = z.string().trim().min(1).max(MAX_RULE_CHARACTERS);
export const collectionRulesSchema = z.strictObject({
  list: collectionRuleSchema.default("none"),
  get: collectionRuleSchema.default("none"),
  create: collectionRuleSchema.default("none"),
  update: collectionRuleSchema.default("none"),
  delete: collectionRuleSchema.default("none"),
});
export type CollectionRules = z.infer<typeof collectionRulesSchema>;

export const collectionIndexSchema = z.strictObject({
  fields: z.array(z.string().min(1).max(63)).min(1).max(8),
  unique: z.boolean().default(false).describe("No two items have the same values in these fields"),
});
export type CollectionIndex = z.infer<typeof collectionIndexSchema>;

const MAX_INDEXES = 20;
export const collectionDefinitionSchema = z.strictObject({
  schema: z.record(z.string(), z.unknown()).describe("JSON Schema (2020-12) of an object; a field for each property"),
  indexes: z.array(collectionIndexSchema).max(MAX_INDEXES).default([]),
  rules: collectionRulesSchema.prefault({}),
});
export type CollectionDefinition = z.infer<typeof collectionDefinitionSchema>;

export const collectionSchema = z.object({
  id: z.string(),
  name: z.string(),
  version: z.int().describe("Grows by one with each change"),
  schema: z.record(z.string(), z.unknown()),
  indexes: z.array(collectionIndexSchema),
  rules: collectionRulesSchema,
  createdAt: timestampSchema,
  updatedAt: timestampSchema,
});
export type CollectionView = z.infer<typeof collectionSchema>;

export const collectionParamsSchema = projectParamsSchema.extend({ collection: collectionNameSchema });
export const listCollectionsResponseSchema = z.object({
  collections: z.array(collectionSchema),
  nextCursor: nextCursorSchema,
});
export const collectionResponseSchema = z.object({ collection: collectionSchema });
export const putCollectionRequestSchema = collectionDefinitionSchema.extend({
  allowDestructive: z.boolean().default(false).describe("Go ahead where a change loses data"),
  dryRun: z.boolean().default(false),
});
export const collectionChangeSchema = z.object({
  what: z.string().describe("One line, such as: add column title"),
  destructive: z.boolean().describe("It loses data"),
});
export type CollectionChange = z.infer<typeof collectionChangeSchema>;
export const putCollectionResponseSchema = z.object({
  collection: collectionSchema,
  created: z.boolean(),
  changes: z.array(collectionChangeSchema),
});
export const deleteCollectionQuerySchema = z.object({
  confirm: z.string().optional().describe("The collection's name, so that nothing is deleted by mistake"),
});

/** `/v1/collections/…`: the data. */
export const itemsParamsSchema = z.object({ name: z.string().min(1).max(63) });
const itemIdSchema = z.string().min(1).max(200);
export const itemParamsSchema = z.object({ id: itemIdSchema });
export const collectionItemParamsSchema = itemsParamsSchema.extend({ id: itemIdSchema });

const MAX_CURSOR_CHARACTERS = 8_000;
const MAX_FILTER_CHARACTERS = 8_000;
export const listItemsQuerySchema = pageQuerySchema
  .extend({
    cursor: z.string().max(MAX_CURSOR_CHARACTERS).optional().describe("`nextCursor` of the page before"),
    sort: z.string().max(500).optional().describe("Fields, each with `-` in front for descending: `-created_at,title`"),
    fields: z.string().max(5_000).optional().describe("Fields to answer, separated by commas; `id` is always there"),
    filter: z
      .string()
      .max(MAX_FILTER_CHARACTERS)
      .optional()
      .describe('Conditions as JSON: `{"done": false, "or": [{"priority": {"gte": 2}}, {"title": "x"}]}`'),
    count: z.enum(["true", "false"]).optional().describe("`true`: also how many items match in all"),
  })
  .catchall(z.string().max(MAX_FILTER_CHARACTERS));
const itemSchema = z.looseObject({
  id: z.string(),
  owner_id: z.string().nullable().optional(),
  created_at: z.string().optional(),
  updated_at: z.string().optional(),
});
export const createdItemSchema = itemSchema;
export const itemResponseSchema = itemSchema;
export const listItemsResponseSchema = z.object({
  items: z.array(itemSchema),
  nextCursor: nextCursorSchema,
  total: z.int().optional(),
});
export const itemBodySchema = z.record(z.string(), z.unknown());
export const updatedItemSchema = successSchema.extend({ item: itemSchema });
