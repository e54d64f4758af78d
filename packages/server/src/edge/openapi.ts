import { ERRORS, type ErrorCode, errorResponseSchema, type Permission } from "@aerostack/contracts";
import { z } from "zod";
import type { Route, RouteAuth } from "./define-route.ts";

/** An OpenAPI 3.1 document, as far as its readers here look into it. */
export interface OpenApiDocument {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, unknown>>;
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  /** What the caller needs in the project or organisation. */
  readonly "x-permission"?: Permission;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

type Content = Readonly<Record<string, { readonly schema: JsonSchema }>>;
export type JsonSchema = Readonly<Record<string, unknown>>;

const SECURITY: Readonly<Record<RouteAuth, Operation["security"]>> = {
  none: [],
  account: [{ accountKey: [] }, { session: [] }],
  admin: [{ accountKey: [] }, { session: [] }],
  management: [{ accountKey: [] }, { session: [] }, { projectKey: [] }],
  key: [{ accountKey: [] }, { projectKey: [] }],
};
/** What any route may answer besides its own codes. */
const COMMON_ERRORS: readonly ErrorCode[] = ["VALIDATION_ERROR", "RATE_LIMIT_EXCEEDED", "INTERNAL_ERROR"];
const IDEMPOTENCY_KEY: Parameter = {
  name: "Idempotency-Key",
  in: "header",
  required: false,
  description: "A repeat with the same key answers what the first call answered, for 24 hours.",
  schema: { type: "string", maxLength: 255 },
};

function schemaOf(schema: z.ZodType, io: "input" | "output"): JsonSchema {
  const {
    $schema: _draft,
    $defs: _definitions,
    ...rest
  } = z.toJSONSchema(schema, {
    io,
    unrepresentable: "any",
    target: "draft-2020-12",
    reused: "inline",
    // "Any JSON" is described by a schema that refers to itself; a reader is told as much by one that allows anything.
    override({ zodSchema, jsonSchema }) {
      if (zodSchema._zod.def.type !== "lazy") return;
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
    },
  });
  return rest;
}

function operationId(route: Route): string {
  const words = route.path
    .replace(/:/g, "by-")
    .split(/[/-]/)
    .filter((part) => !["", "api", "v1"].includes(part));
  return [route.method, ...words]
    .map((word, i) => (i === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1)))
    .join("");
}

function parametersOf(schema: z.ZodObject | undefined, place: "path" | "query"): Parameter[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(schema, "input") as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: place === "path" || required.includes(name),
    ...(typeof description === "string" ? { description } : {}),
    schema: property,
  }));
}

function errorResponses(route: Route): Operation["responses"] {
  const codes = [...COMMON_ERRORS, ...(route.errors ?? [])];
  if (route.auth !== "none") codes.push("AUTH_INVALID_KEY", "FORBIDDEN");
  if (route.path.includes(":")) codes.push("NOT_FOUND");
  const byStatus = Map.groupBy(new Set(codes), (code) => ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      String(status),
      {
        description: group.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join(" "),
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    ]),
  );
}

function requestBodyOf(route: Route): Operation["requestBody"] {
  if (route.body !== undefined) {
    return { required: true, content: { "application/json": { schema: schemaOf(route.body, "input") } } };
  }
  if (route.rawBody === undefined) return undefined;
  const { contentType, description } = route.rawBody;
  return { required: true, content: { [contentType]: { schema: { type: "string", format: "binary", description } } } };
}

function descriptionOf({ description, permission, freshProof }: Route): { readonly description?: string } {
  const needs = permission === undefined ? undefined : `Members need the permission \`${permission}\`.`;
  const proof = freshProof === undefined ? undefined : "Of a session it needs a fresh proof of who is there.";
  const sentences = [description, needs, proof].filter((sentence) => sentence !== undefined);
  return sentences.length === 0 ? {} : { description: sentences.join(" ") };
}

function operationOf(route: Route): Operation {
  const { status, schema, contentType, description } = route.response;
  const content = schema !== undefined ? { "application/json": { schema: schemaOf(schema, "output") } } : undefined;
  const raw = contentType === undefined ? undefined : { [contentType]: { schema: { type: "string" } } };
  const answered = content ?? raw;
  const body = requestBodyOf(route);
  return {
    operationId: operationId(route),
    summary: route.summary,
    ...descriptionOf(route),
    ...(route.permission === undefined ? {} : { "x-permission": route.permission }),
    tags: [route.tag],
    security: SECURITY[route.auth],
    parameters: [
      ...parametersOf(route.params, "path"),
      ...parametersOf(route.query, "query"),
      ...(route.idempotent === true ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      [status]: { description: description ?? "Done.", ...(answered === undefined ? {} : { content: answered }) },
      ...errorResponses(route),
    },
  };
}

/** Describes the published routes: what is validated is what is documented, because both read the same declaration. */
export function createOpenApi(
  routes: readonly Route[],
  facts: { readonly version: string; readonly origin: string },
): OpenApiDocument {
  const published = routes.filter((route) => route.hidden !== true);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of published) {
    const path = route.path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}");
    paths[path] = { ...paths[path], [route.method]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Aerostack",
      version: facts.version,
      description: "The management API. Errors carry a code, a message and a fix; lists are paged by `cursor`.",
    },
    servers: [{ url: facts.origin }],
    tags: [...new Set(published.map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Error: schemaOf(errorResponseSchema, "output") },
      securitySchemes: {
        accountKey: { type: "apiKey", in: "header", name: "X-API-Key", description: "An account key, `ak_…`." },
        projectKey: { type: "apiKey", in: "header", name: "X-Aerostack-Key", description: "A key of one project." },
        session: { type: "http", scheme: "bearer", bearerFormat: "JWT", description: "The token of a log-in." },
      },
    },
  };
}
