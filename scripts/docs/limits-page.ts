import { readFileSync } from "node:fs";
import { z } from "zod";
import { deployConfigSchema, PLAN_NAMES, PLANS } from "../../packages/contracts/src/index.ts";
import { DEFAULT_LIMITS } from "../../packages/datahost/src/limits.ts";
import { DEFAULT_RUNTIME_LIMITS } from "../../packages/runtime/src/limits.ts";
import { markdownTable } from "../../packages/server/src/kernel/markdown-table.ts";
import { SETTINGS, type Setting } from "../../packages/server/src/kernel/settings.ts";
import { readConstants, readMembers } from "./documented-names.ts";
import { showAmount } from "./show-amount.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

/** What limits mean whose comment in the code speaks to its own readers, or of several at once. */
type Meanings = Readonly<Record<string, string>>;

interface ConstantSource {
  readonly title: string;
  readonly file: string;
  /** Those of the file that a caller can meet. */
  readonly limits: readonly string[];
  readonly meanings?: Meanings;
}

const RUNTIME_MEANINGS: Meanings = {
  eventTimeoutMs:
    "Run of one `queue()` or `scheduled()` call where nothing else is said; the platform says Events below.",
  backoffInitialMs: "First pause of a project whose functions keep crashing; each further crash doubles it.",
  backoffMaxMs: "Longest such pause.",
  egressConnectTimeoutMs: "An outgoing connection that is not made by then has failed.",
  logLinesPerSecond: "Log lines of one project a second.",
  logLinesBurst: "Log lines that a project may save up for a burst.",
};

const DATABASE_MEANINGS: Meanings = {
  maxSchemaObjects: "Tables, indexes, views and triggers of one database.",
  maxSchemaBytes: "Bytes of SQL in one schema.",
};

const CONSTANT_SOURCES: readonly ConstantSource[] = [
  {
    title: "Key-value (`CACHE`)",
    file: "packages/datahost/src/kv/kv-limits.ts",
    limits: [
      "MAX_KEY_BYTES",
      "MAX_VALUE_BYTES",
      "MAX_METADATA_BYTES",
      "MAX_LIST_KEYS",
      "MAX_BULK_GET_KEYS",
      "MAX_BULK_GET_BYTES",
      "MIN_EXPIRATION_TTL_SECONDS",
      "MIN_CACHE_TTL_SECONDS",
      "MAX_INCOMING_BYTES_PER_PROJECT",
    ],
    meanings: {
      MAX_KEY_BYTES: "One key, as UTF-8.",
      MAX_VALUE_BYTES: "One value.",
      MAX_METADATA_BYTES: "Metadata of one key, as JSON.",
      MAX_LIST_KEYS: "Keys on one page of `list()`.",
      MAX_BULK_GET_KEYS: "Keys of one `get([…])`.",
      MIN_EXPIRATION_TTL_SECONDS: "Shortest `expirationTtl` of a `put()`; the management API takes less.",
      MIN_CACHE_TTL_SECONDS: "Shortest `cacheTtl` of a `get()`.",
    },
  },
  {
    title: "Collections",
    file: "packages/server/src/collections/schema/limits.ts",
    limits: [
      "MAX_SCHEMA_BYTES",
      "MAX_SCHEMA_DEPTH",
      "MAX_SCHEMA_WEIGHT",
      "MAX_PROPERTIES",
      "MAX_ENUM_VALUES",
      "MAX_PATTERN_CHARACTERS",
      "MAX_ITEM_DEPTH",
    ],
    meanings: {
      MAX_SCHEMA_DEPTH: "Depth of a schema.",
      MAX_SCHEMA_WEIGHT: "Keywords and subschemas when every `$ref` is followed.",
      MAX_PROPERTIES: "Fields of a collection.",
      MAX_ENUM_VALUES: "Values of one `enum`.",
      MAX_PATTERN_CHARACTERS: "Characters of one `pattern`.",
      MAX_ITEM_DEPTH: "Depth of an item.",
    },
  },
  {
    title: "Objects (`STORAGE`)",
    file: "packages/datahost/src/objects/object-limits.ts",
    limits: [
      "MAX_KEY_BYTES",
      "MAX_METADATA_BYTES",
      "MAX_OBJECT_BYTES",
      "MAX_PART_BYTES",
      "MIN_PART_BYTES",
      "MAX_PARTS",
      "MAX_LIST_OBJECTS",
      "MAX_DELETE_KEYS",
      "UPLOAD_EXPIRES_AFTER_MS",
    ],
    meanings: {
      MAX_KEY_BYTES: "One key, as UTF-8.",
      MAX_PART_BYTES: "One part of a multipart upload.",
      MIN_PART_BYTES: "Least size of every part but the last.",
      MAX_PARTS: "Parts of one upload.",
      MAX_LIST_OBJECTS: "Objects on one page of `list()`.",
      MAX_DELETE_KEYS: "Keys of one `delete([…])`.",
      UPLOAD_EXPIRES_AFTER_MS: "A multipart upload that is not completed by then is given up.",
    },
  },
  {
    title: "Storage over HTTP",
    file: "packages/contracts/src/api/storage.ts",
    limits: ["MAX_FORM_UPLOAD_BYTES", "MAX_STORAGE_LIST", "MAX_SIGNED_URL_SECONDS", "DEFAULT_SIGNED_URL_SECONDS"],
    meanings: {
      MAX_STORAGE_LIST: "Objects on one page of `/v1/storage/list`.",
      MAX_SIGNED_URL_SECONDS: "How long a signed URL may work.",
      DEFAULT_SIGNED_URL_SECONDS: "How long one works where nothing else is said.",
    },
  },
  {
    title: "Resumable uploads (tus)",
    file: "packages/server/src/storage/tus/tus-limits.ts",
    limits: ["MAX_UPLOAD_BYTES", "MAX_CONCATENATED"],
  },
  {
    title: "Pictures in other sizes",
    file: "packages/server/src/storage/images/image-job.ts",
    limits: ["MAX_EDGE_PIXELS", "MAX_SOURCE_PIXELS", "MAX_SOURCE_BYTES"],
    meanings: {
      MAX_EDGE_PIXELS: "Width and height of a result.",
      MAX_SOURCE_PIXELS: "Pixels of a picture.",
      MAX_SOURCE_BYTES: "Bytes of a picture.",
    },
  },
  {
    title: "S3: tags of objects",
    file: "packages/server/src/storage/s3/object-tags.ts",
    limits: ["MAX_OBJECT_TAGS", "MAX_TAG_KEY_LENGTH", "MAX_TAG_VALUE_LENGTH"],
    meanings: {
      MAX_OBJECT_TAGS: "Tags of one object.",
      MAX_TAG_KEY_LENGTH: "Characters of a tag's name.",
      MAX_TAG_VALUE_LENGTH: "Characters of a tag's value.",
    },
  },
  {
    title: "S3: forms of browsers",
    file: "packages/server/src/storage/s3/post/read-post-form.ts",
    limits: ["MAX_POST_FIELDS_BYTES"],
    meanings: { MAX_POST_FIELDS_BYTES: "All fields in front of the file together." },
  },
  {
    title: "S3 keys",
    file: "packages/server/src/storage/access-keys/service.ts",
    limits: ["MAX_ACTIVE_KEYS"],
    meanings: { MAX_ACTIVE_KEYS: "Keys of a project that are not revoked." },
  },
  {
    title: "Buckets",
    file: "packages/datahost/src/objects/bucket-store.ts",
    limits: ["MAX_BUCKETS"],
    meanings: { MAX_BUCKETS: "Buckets of a project that were made." },
  },
  {
    title: "Lifecycle rules",
    file: "packages/datahost/src/objects/lifecycle-rule.ts",
    limits: ["MAX_LIFECYCLE_RULES", "MAX_LIFECYCLE_DAYS"],
    meanings: { MAX_LIFECYCLE_RULES: "Rules of a bucket.", MAX_LIFECYCLE_DAYS: "Days that a rule may say." },
  },
  {
    title: "Queues (`QUEUE`)",
    file: "packages/datahost/src/queue/queue-limits.ts",
    limits: [
      "MAX_MESSAGE_BYTES",
      "MAX_BATCH_MESSAGES",
      "MAX_BATCH_BYTES",
      "MAX_DELAY_SECONDS",
      "DEDUPE_WINDOW_MS",
      "JOB_KEPT_MS",
      "MAX_PEEK_MESSAGES",
    ],
    meanings: {
      MAX_MESSAGE_BYTES: "One message.",
      MAX_BATCH_MESSAGES: "Messages of one `sendBatch()`.",
      MAX_BATCH_BYTES: "Messages of one `sendBatch()` together.",
      MAX_DELAY_SECONDS: "Longest delay of a message.",
    },
  },
  {
    title: "D1 requests (`DB`)",
    file: "packages/datahost/src/d1/d1-limits.ts",
    limits: ["MAX_BODY_BYTES", "MAX_INCOMING_BYTES_PER_PROJECT", "MAX_BODY_PARTS"],
    meanings: { MAX_BODY_PARTS: "Texts, names, lists and objects in one request." },
  },
  {
    title: "Deployments",
    file: "packages/server/src/functions/deploy-form.ts",
    limits: ["MAX_MODULES_BYTES", "MAX_MODULES", "MAX_ASSET_BYTES", "MAX_ASSETS"],
    meanings: {
      MAX_MODULES: "Modules of one function.",
      MAX_ASSET_BYTES: "One static file.",
      MAX_ASSETS: "Static files of one function.",
    },
  },
  {
    title: "Secrets",
    file: "packages/server/src/functions/secret-store.ts",
    limits: ["MAX_SECRET_BYTES", "MAX_SECRETS"],
    meanings: { MAX_SECRET_BYTES: "One secret.", MAX_SECRETS: "Secrets of one environment." },
  },
  { title: "Events", file: "packages/server/src/functions/event-delivery.ts", limits: ["EVENT_TIMEOUT_MS"] },
  {
    title: "SQL over HTTP",
    file: "packages/contracts/src/api/data.ts",
    limits: ["MAX_SQL_CHARACTERS", "MAX_BATCH_STATEMENTS"],
    meanings: {
      MAX_SQL_CHARACTERS: "One statement.",
      MAX_BATCH_STATEMENTS: "Statements of one `/v1/db/batch`.",
    },
  },
  {
    title: "Migrations and import",
    file: "packages/server/src/database/routes.ts",
    limits: ["MAX_MIGRATIONS_BYTES", "MAX_IMPORT_BYTES"],
    meanings: {
      MAX_MIGRATIONS_BYTES: "All migrations of one request.",
      MAX_IMPORT_BYTES: "One file of SQL.",
    },
  },
  {
    title: "Changes of rows",
    file: "packages/server/src/realtime/fit-row.ts",
    limits: ["MAX_ROW_BYTES", "LARGE_VALUE_BYTES"],
    meanings: {
      MAX_ROW_BYTES: "Values of one change, before and after together, as JSON; above it the large ones are left out.",
      LARGE_VALUE_BYTES: "Values of this size or more are the large ones.",
    },
  },
  {
    title: "Lists of the API",
    file: "packages/contracts/src/api/common.ts",
    limits: ["MAX_PAGE_SIZE", "DEFAULT_PAGE_SIZE"],
    meanings: { MAX_PAGE_SIZE: "Largest `limit` of most lists.", DEFAULT_PAGE_SIZE: "Entries where none is given." },
  },
];

const root = new URL("../../", import.meta.url);
const sourceOf = (file: string): string => readFileSync(new URL(file, root), "utf8");

function settingsTable(): string {
  const rows = (Object.values(SETTINGS) as readonly Setting[])
    .filter(({ group }) => group === "Functions" || group === "Limits")
    .map(({ variable, fallback, description }) => [`\`${variable}\``, fallback ?? "not set", description]);
  return markdownTable(["Setting", "Default", "Meaning"], rows);
}

function limitRow(file: string, name: string, value: number | undefined, meaning: string): string[] {
  if (value === undefined) throw new Error(`${file}: there is no value of '${name}'.`);
  if (meaning === "") throw new Error(`${file}: say in a comment what '${name}' bounds.`);
  return [`\`${name}\``, showAmount(name, value), meaning];
}

function membersTable(file: string, values: Readonly<Record<string, number>>, meanings: Meanings): string {
  const rows = readMembers(sourceOf(file)).map(({ name, meaning }) =>
    limitRow(file, name, values[name], meanings[name] ?? meaning),
  );
  return markdownTable(["Limit", "Value", "Meaning"], rows);
}

function constantsTable({ file, limits, meanings = {} }: ConstantSource): string {
  const constants = readConstants(sourceOf(file));
  const rows = limits.map((name) => {
    const constant = constants.find((one) => one.name === name);
    return limitRow(file, name, constant?.value, meanings[name] ?? constant?.meaning ?? "");
  });
  return markdownTable(["Limit", "Value", "Meaning"], rows);
}

/** Realtime's limits, a column for each plan. */
function plansTable(): string {
  const rows = readMembers(sourceOf("packages/contracts/src/plans.ts")).map(({ name, meaning }) => [
    `\`${name}\``,
    ...PLAN_NAMES.map((plan) => {
      const limits: Readonly<Record<string, number | null>> = { ...PLANS[plan].realtime };
      const value = limits[name];
      if (value === undefined) throw new Error(`the plan '${plan}' says nothing of '${name}'.`);
      if (value === null) return "no limit";
      return name === "messageBytes" ? showAmount(name, value) : value.toLocaleString("en-US");
    }),
    meaning,
  ]);
  return markdownTable(["Limit", ...PLAN_NAMES, "Meaning"], rows);
}

/** What a schema bounds: `maxItems`, `maxLength`, `minimum` and `maximum`, by the path of the field. */
function boundsOf(schema: JsonSchema, path: string): string[][] {
  const rows: string[][] = [];
  if (typeof schema.maxItems === "number") rows.push([`\`${path}\``, `at most ${schema.maxItems} entries`]);
  if (typeof schema.maxLength === "number") rows.push([`\`${path}\``, `at most ${schema.maxLength} characters`]);
  if (typeof schema.maximum === "number") {
    const fallback = schema.default === undefined ? "" : `, ${schema.default} by default`;
    rows.push([`\`${path}\``, `${schema.minimum ?? 0} to ${schema.maximum.toLocaleString("en-US")}${fallback}`]);
  }
  for (const [key, property] of Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>)) {
    rows.push(...boundsOf(property, path === "" ? key : `${path}.${key}`));
  }
  if (schema.items !== undefined) rows.push(...boundsOf(schema.items as JsonSchema, `${path}[]`));
  return rows;
}

/** Every named limit, from the settings, constants and schemas that the platform itself obeys. */
export function renderLimitsPage(): string {
  const deployConfig = z.toJSONSchema(deployConfigSchema, { io: "input", unrepresentable: "any" });
  return `# Limits

Every limit by the name that it has in the code. What happens at each is told in [Limits and errors](../guides/limits-and-errors.md).
This page is made by \`node scripts/generate-docs.ts\`.

## Settings

These are yours to change; [Configuration](configuration.md) says what is allowed.

${settingsTable()}

## Realtime, by plan

A project without a plan of its own has that of \`AEROSTACK_DEFAULT_PLAN\`.

${plansTable()}

## Functions

Where a setting above speaks of the same, it wins.

${membersTable("packages/runtime/src/limits.ts", { ...DEFAULT_RUNTIME_LIMITS }, RUNTIME_MEANINGS)}

## Databases

${membersTable("packages/datahost/src/limits.ts", { ...DEFAULT_LIMITS }, DATABASE_MEANINGS)}

${CONSTANT_SOURCES.map((source) => `## ${source.title}\n\n${constantsTable(source)}`).join("\n\n")}

## Configuration of a deployment

Fields of \`config\` in \`POST /api/v1/cli/deploy\`, which \`aerostack deploy\` makes from the configuration file.

${markdownTable(["Field", "Allowed"], boundsOf(deployConfig as JsonSchema, ""))}
`;
}
