import { projectParamsSchema, successSchema } from "@aerostack/contracts";
import { expect, it } from "vitest";
import { createTestApp } from "../testing.ts";
import { openControlSqlite } from "../testing-database.ts";
import { defineRoute, type Route } from "./define-route.ts";

const declared = defineRoute({
  method: "post",
  path: "/api/v1/projects/:project/things",
  summary: "Make a thing",
  tag: "Things",
  auth: "management",
  permission: "data.write",
  params: projectParamsSchema,
  response: { status: 200, schema: successSchema },
  handler: () => ({ success: true as const }),
});

it("a route about a project or organisation that names no permission stops the start", async () => {
  const cleanups: (() => Promise<void>)[] = [];
  const sql = await openControlSqlite(cleanups);
  const { permission: _, ...rest } = declared;
  for (const path of ["/api/v1/projects/:project/things", "/api/v1/organisations/:organisation"]) {
    const route: Route = { ...rest, path };
    await expect(createTestApp(sql, { extraRoutes: [route] })).rejects.toThrow(/which permission/);
  }
  await createTestApp(sql, { extraRoutes: [declared, { ...rest, path: "/api/v1/things" }] });
  for (const cleanup of cleanups) await cleanup();
});
