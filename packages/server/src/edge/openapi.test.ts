import { describe, expect, it } from "vitest";
import { z } from "zod";
import { defineRoute } from "./define-route.ts";
import { createOpenApi } from "./openapi.ts";
import { renderReference } from "./reference-page.ts";

const routes = [
  defineRoute({
    method: "post",
    path: "/api/v1/projects/:project/things",
    summary: "Create a <thing>",
    tag: "Things",
    auth: "management",
    permission: "data.write",
    params: z.object({ project: z.string().describe("Id or slug") }),
    query: z.object({ dry: z.coerce.boolean().default(false) }),
    body: z.object({ name: z.string().max(10), size: z.int().default(1) }),
    response: { status: 201, schema: z.object({ id: z.string() }) },
    errors: ["CONFLICT"],
    idempotent: true,
    handler: () => ({ id: "1" }),
  }),
  defineRoute({
    method: "get",
    path: "/api/v1/secret-door",
    summary: "Hidden",
    tag: "Things",
    auth: "none",
    hidden: true,
    response: { status: 200, schema: z.object({}) },
    handler: () => ({}),
  }),
];
const document = createOpenApi(routes, { version: "1.2.3", origin: "http://127.0.0.1:8787" });
const operation = document.paths["/api/v1/projects/{project}/things"]?.post;

describe("the OpenAPI document", () => {
  it("describes parameters, body, answer and errors from the route's own schemas", () => {
    expect(operation?.parameters.map((one) => [one.in, one.name, one.required])).toEqual([
      ["path", "project", true],
      ["query", "dry", false],
      ["header", "Idempotency-Key", false],
    ]);
    expect(operation?.requestBody?.content["application/json"]?.schema).toMatchObject({
      required: ["name"],
      properties: { name: { type: "string", maxLength: 10 } },
    });
    expect(Object.keys(operation?.responses ?? {}).sort()).toEqual([
      "201",
      "400",
      "401",
      "403",
      "404",
      "409",
      "429",
      "500",
    ]);
    expect(operation?.responses["409"]?.description).toContain("CONFLICT");
  });

  it("leaves hidden routes out", () => {
    expect(Object.keys(document.paths)).toEqual(["/api/v1/projects/{project}/things"]);
  });
});

describe("the reference page", () => {
  it("shows every operation, escaped, and asks no other host for anything", () => {
    const page = renderReference(document, "nonce");
    expect(page).toContain("Create a &lt;thing&gt;");
    expect(page).not.toContain("<thing>");
    expect(page).not.toMatch(/(?:src|href)="https?:/);
  });
});
