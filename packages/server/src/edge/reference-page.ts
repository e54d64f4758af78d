import type { Hono } from "hono";
import { html, raw } from "hono/html";
import type { AppEnv } from "./app-env.ts";
import type { JsonSchema, OpenApiDocument, Operation, Parameter } from "./openapi.ts";

type Markup = ReturnType<typeof html>;

const STYLE = `
:root{color-scheme:light dark;--ink:#16181d;--soft:#5b6270;--line:#e3e6eb;--page:#fff;--panel:#f6f7f9;--accent:#3b5bdb}
@media (prefers-color-scheme:dark){:root{--ink:#e8eaee;--soft:#9aa2b1;--line:#2a2f39;--page:#111318;--panel:#191c23;--accent:#8ea6ff}}
*{box-sizing:border-box}body{margin:0;font:15px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--page)}
.layout{display:grid;grid-template-columns:260px minmax(0,1fr)}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:24px 16px;border-right:1px solid var(--line);background:var(--panel)}
nav h1{font-size:16px;margin:0 8px 16px}nav h2{font-size:12px;text-transform:uppercase;letter-spacing:.06em;color:var(--soft);margin:20px 8px 4px}
nav a{display:block;padding:3px 8px;border-radius:6px;color:inherit;text-decoration:none;font-size:14px}nav a:hover,nav a:focus-visible{background:var(--line)}
main{padding:32px 40px 96px;max-width:920px}main>p{color:var(--soft)}
section{padding:28px 0;border-top:1px solid var(--line);scroll-margin-top:8px}h3{margin:0 0 6px;font-size:19px}
code,pre{font:13px/1.5 ui-monospace,monospace}pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px 14px;overflow:auto}
.path{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap;word-break:break-all}.verb{font:700 12px ui-monospace,monospace;color:var(--accent);text-transform:uppercase}
table{border-collapse:collapse;width:100%;font-size:14px}td,th{text-align:left;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--soft);font-weight:500}
h4{margin:18px 0 6px;font-size:13px;color:var(--soft);font-weight:600}.soft{color:var(--soft)}
@media (max-width:760px){.layout{display:block}nav{position:static;height:auto;border-right:0;border-bottom:1px solid var(--line)}main{padding:20px 16px 64px}}
`;

/** Text in which backticks mark code. */
function prose(text: string): Markup[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

/** A type in few words: `string ≤ 10`, `"a" | "b"`, `integer, default 1`. */
function typeOf(schema: JsonSchema): string {
  const { type, enum: values, const: constant, default: fallback, maxLength, anyOf, items } = schema;
  let text = Array.isArray(type) ? type.join(" | ") : String(type ?? "any");
  if (Array.isArray(values)) text = values.map((value) => JSON.stringify(value)).join(" | ");
  if (constant !== undefined) text = JSON.stringify(constant);
  if (Array.isArray(anyOf)) text = anyOf.map((one) => typeOf(one as JsonSchema)).join(" | ");
  if (type === "array" && typeof items === "object" && items !== null) text = `${typeOf(items as JsonSchema)}[]`;
  if (typeof maxLength === "number") text += ` ≤ ${maxLength}`;
  return fallback === undefined ? text : `${text}, default ${JSON.stringify(fallback)}`;
}

interface Row {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

const MAX_DEPTH = 4;

/** The fields of a body, nested ones as `a.b`, those of list items as `a[].b`. */
function fieldsOf(schema: JsonSchema, prefix = "", depth = 0): Row[] {
  const properties = (schema.properties ?? {}) as Record<string, JsonSchema>;
  const required = (schema.required ?? []) as string[];
  if (depth >= MAX_DEPTH) return [];
  return Object.entries(properties).flatMap(([key, property]) => {
    const name = `${prefix}${key}`;
    const items = property.items as JsonSchema | undefined;
    const row = {
      name,
      type: typeOf(property),
      required: required.includes(key),
      description: String(property.description ?? ""),
    };
    return [
      row,
      ...fieldsOf(property, `${name}.`, depth + 1),
      ...(items ? fieldsOf(items, `${name}[].`, depth + 1) : []),
    ];
  });
}

function table(title: string, rows: readonly Row[]): Markup | string {
  if (rows.length === 0) return "";
  return html`<h4>${title}</h4><table>${rows.map(
    (row) =>
      html`<tr><td><code>${row.name}</code>${row.required ? "" : html` <span class="soft">optional</span>`}</td><td><code>${row.type}</code></td><td>${prose(row.description)}</td></tr>`,
  )}</table>`;
}

function parameterRow(parameter: Parameter): Row {
  return {
    name: parameter.name,
    type: `${typeOf(parameter.schema)} (${parameter.in})`,
    required: parameter.required,
    description: parameter.description ?? "",
  };
}

function curlOf(origin: string, method: string, path: string, operation: Operation): string {
  const parts = [`curl -X ${method.toUpperCase()} ${origin}${path}`];
  if (operation.security.length > 0) parts.push(`  -H 'X-API-Key: ak_…'`);
  if (operation.requestBody?.content["application/json"]) parts.push(`  -H 'Content-Type: application/json' -d '{…}'`);
  return parts.join(" \\\n");
}

function operationSection(origin: string, path: string, method: string, operation: Operation): Markup {
  const [[status, success] = ["200", undefined]] = Object.entries(operation.responses);
  const bodySchema = operation.requestBody?.content["application/json"]?.schema;
  const answerSchema = success?.content?.["application/json"]?.schema;
  const errors = Object.entries(operation.responses).filter(([code]) => Number(code) >= 400);
  return html`<section id="${operation.operationId}"><h3>${operation.summary}</h3>
<div class="path"><span class="verb">${method}</span><code>${path}</code></div>
${operation.description === undefined ? "" : html`<p>${prose(operation.description)}</p>`}
<pre>${curlOf(origin, method, path, operation)}</pre>
${table("Parameters", operation.parameters.map(parameterRow))}
${bodySchema === undefined ? "" : table("Body", fieldsOf(bodySchema))}
${answerSchema === undefined ? "" : table(`Answer (${status})`, fieldsOf(answerSchema))}
<h4>Errors</h4><table>${errors.map(([code, one]) => html`<tr><td>${code}</td><td>${prose(one.description)}</td></tr>`)}</table></section>`;
}

/** The reference as one page without scripts: readable anywhere, also on a machine without a network. */
export function renderReference(document: OpenApiDocument, nonce: string): string {
  const origin = document.servers[0]?.url ?? "";
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const byTag = document.tags.map(({ name }) => ({
    name,
    operations: operations.filter(({ operation }) => operation.tags.includes(name)),
  }));
  return String(html`<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${document.info.title} API</title><style nonce="${nonce}">${raw(STYLE)}</style></head><body><div class="layout">
<nav aria-label="Operations"><h1>${document.info.title} ${document.info.version}</h1>${byTag.map(
    (tag) =>
      html`<h2>${tag.name}</h2>${tag.operations.map(({ operation }) => html`<a href="#${operation.operationId}">${operation.summary}</a>`)}`,
  )}</nav>
<main><h2>${document.info.title} API</h2><p>${prose(document.info.description)} The machine-readable form is <a href="/api/openapi.json">/api/openapi.json</a>.</p>
${byTag.flatMap((tag) => tag.operations.map(({ path, method, operation }) => operationSection(origin, path, method, operation)))}</main></div></body></html>`);
}

/** Serves the machine-readable document and the page that shows it. Both are made when they are first asked for. */
export function addReferencePages(createDocument: () => OpenApiDocument) {
  let document: OpenApiDocument | undefined;
  const get = (): OpenApiDocument => {
    document ??= createDocument();
    return document;
  };
  return (app: Hono<AppEnv>): void => {
    app.get("/api/openapi.json", (c) => c.json(get()));
    app.get("/api/docs", (c) => {
      const nonce = crypto.randomUUID();
      c.header(
        "content-security-policy",
        `default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors 'none'`,
      );
      return c.html(renderReference(get(), nonce));
    });
  };
}
