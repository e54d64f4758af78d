import type { JsonSchema, OpenApiDocument, Operation } from "../../packages/server/src/edge/openapi.ts";
import { markdownTable } from "../../packages/server/src/kernel/markdown-table.ts";

/** Fields below this are told by the document itself: a page that repeats them is not read. */
const MAX_FIELD_DEPTH = 3;
const FIRST_ERROR_STATUS = 400;
const SAFE_INTEGER_BOUNDS: ReadonlySet<unknown> = new Set([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]);

const CREDENTIALS: Readonly<Record<string, string>> = {
  accountKey: "account key",
  session: "log-in",
  projectKey: "secret project key",
};

function boundsText({ minimum, maximum, minLength, maxLength, maxItems, default: fallback }: JsonSchema): string {
  const parts: string[] = [];
  if (typeof minimum === "number" && !SAFE_INTEGER_BOUNDS.has(minimum)) parts.push(`≥ ${minimum}`);
  if (typeof maximum === "number" && !SAFE_INTEGER_BOUNDS.has(maximum)) parts.push(`≤ ${maximum}`);
  if (typeof minLength === "number" && minLength > 1) parts.push(`≥ ${minLength} characters`);
  if (typeof maxLength === "number") parts.push(`≤ ${maxLength} characters`);
  if (typeof maxItems === "number") parts.push(`≤ ${maxItems} entries`);
  if (fallback !== undefined) parts.push(`default \`${JSON.stringify(fallback)}\``);
  return parts.length === 0 ? "" : `, ${parts.join(", ")}`;
}

function typeText(schema: JsonSchema): string {
  const { type, enum: values, const: constant, anyOf, items, format } = schema;
  if (Array.isArray(values)) return values.map((value) => `\`${JSON.stringify(value)}\``).join(" or ");
  if (constant !== undefined) return `\`${JSON.stringify(constant)}\``;
  if (Array.isArray(anyOf)) return [...new Set(anyOf.map((one) => typeText(one as JsonSchema)))].join(" or ");
  if (typeof schema.$ref === "string") return "any JSON";
  if (type === "array") return `list of ${typeText((items ?? {}) as JsonSchema)}`;
  if (format === "date-time") return "time";
  if (Array.isArray(type)) return type.join(" or ");
  return typeof type === "string" ? type : "any value";
}

/** The fields of an object, nested ones as `a.b`, those of list items as `a[].b`. */
function fieldRows(schema: JsonSchema, prefix = "", depth = 0): string[][] {
  if (depth >= MAX_FIELD_DEPTH) return [];
  const required = new Set((schema.required ?? []) as readonly string[]);
  return Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>).flatMap(([key, property]) => {
    const name = `${prefix}${key}`;
    const optional = required.has(key) ? "" : " (optional)";
    const items = property.items as JsonSchema | undefined;
    return [
      [`\`${name}\`${optional}`, `${typeText(property)}${boundsText(property)}`, String(property.description ?? "")],
      ...fieldRows(property, `${name}.`, depth + 1),
      ...(items === undefined ? [] : fieldRows(items, `${name}[].`, depth + 1)),
    ];
  });
}

function tableOf(heading: string, rows: readonly (readonly string[])[]): string[] {
  return rows.length === 0 ? [] : [heading, markdownTable(["Field", "Type", "Meaning"], rows)];
}

function credentialText(operation: Operation): string {
  const names = operation.security.flatMap((one) => Object.keys(one)).map((name) => CREDENTIALS[name] ?? name);
  return names.length === 0 ? "None." : `${names.join(", ").replace(/^./, (letter) => letter.toUpperCase())}.`;
}

function bodyParts(operation: Operation): string[] {
  return Object.entries(operation.requestBody?.content ?? {}).flatMap(([contentType, { schema }]) => {
    if (contentType === "application/json") return tableOf("Body:", fieldRows(schema));
    return [`Body (\`${contentType}\`): ${String(schema.description ?? "bytes.")}`];
  });
}

function answerParts(operation: Operation): string[] {
  const success = Object.entries(operation.responses).find(([status]) => Number(status) < FIRST_ERROR_STATUS);
  if (success === undefined) return [];
  const [status, { content = {} }] = success;
  return Object.entries(content).flatMap(([contentType, { schema }]) =>
    contentType === "application/json"
      ? tableOf(`Answer (${status}):`, fieldRows(schema))
      : [`Answer (${status}): \`${contentType}\`.`],
  );
}

function errorText(operation: Operation): string {
  const codes = Object.entries(operation.responses)
    .filter(([status]) => Number(status) >= FIRST_ERROR_STATUS)
    .flatMap(([, { description }]) => description.match(/`[A-Z_]+`/g) ?? []);
  return `Errors: ${[...new Set(codes)].toSorted().join(", ")}.`;
}

function operationSection(path: string, method: string, operation: Operation): string {
  const parameters = operation.parameters.map((parameter) => [
    `\`${parameter.name}\`${parameter.required ? "" : " (optional)"}`,
    `${parameter.in}, ${typeText(parameter.schema)}${boundsText(parameter.schema)}`,
    parameter.description ?? "",
  ]);
  return [
    `### ${operation.summary}`,
    `\`${method.toUpperCase()} ${path}\``,
    ...(operation.description === undefined ? [] : [operation.description]),
    `Credential: ${credentialText(operation)}`,
    ...tableOf("Parameters:", parameters),
    ...bodyParts(operation),
    ...answerParts(operation),
    errorText(operation),
  ].join("\n\n");
}

/** The management API as a page, from the document that the server itself answers. */
export function renderApiPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = document.tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return [`## ${name}`, ...own.map(({ path, method, operation }) => operationSection(path, method, operation))].join(
      "\n\n",
    );
  });
  return `# HTTP API

The management API of a server. [openapi.json](openapi.json) is its machine-readable form; a running server answers both,
at \`/api/docs\` and \`/api/openapi.json\`. Calls of functions are told in [Deploying](../guides/deploying.md#calling), SQL with a
project's key in [Database](../guides/database.md#sql-over-http). This page is made by \`node scripts/generate-docs.ts\`.

- An account key (\`ak_…\`) or a project's secret key (\`sk_…\`) goes into \`X-API-Key\`; the token of a log-in into
  \`Authorization: Bearer\`.
- A project is named by its id or slug.
- Times are UTC, ISO 8601. Lists answer \`nextCursor\`; give it back as \`cursor\` for the next page; it is null on the last.
- Errors are \`{"error": {"code", "message", "details", "fix", "requestId"}}\` under \`/api/v1\`; [Error codes](errors.md) has them all.
  Under \`/api/auth\` the same facts stand on the top level.
- Where \`Idempotency-Key\` is among the parameters, a repeat with the same key answers what the first call answered.

${sections.join("\n\n")}
`;
}
