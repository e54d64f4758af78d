import { projectParamsSchema, realtimeRulesRequestSchema, realtimeRulesResponseSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { RealtimeRules } from "./rules.ts";

const TAG = "Realtime";

/** Who may listen to which topics and publish to them. */
export function createRuleRoutes({ rules }: { readonly rules: RealtimeRules }): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/realtime/rules",
      summary: "Read the rules of a project's topics",
      tag: TAG,
      auth: "management",
      permission: "settings.read",
      params: projectParamsSchema,
      response: { status: 200, schema: realtimeRulesResponseSchema },
      async handler({ project }) {
        return { rules: [...(await rules.of(project.id))] };
      },
    }),
    defineRoute({
      method: "put",
      path: "/api/v1/projects/:project/realtime/rules",
      summary: "Replace the rules of a project's topics",
      description:
        "A pattern is a topic without its project; `{name}` stands for one part, `*` at the end for the rest. The most exact pattern counts: `room/lobby` before `room/{id}` before `room/*`. `listen` and `publish` say who may: `public` everybody with a key, `signed-in` users, `owner` the user whose id stands in the place of `{userId}`, `none` secret keys alone. A rule for `table/<name>` opens all rows of a table.",
      tag: TAG,
      auth: "management",
      permission: "settings.write",
      params: projectParamsSchema,
      body: realtimeRulesRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: realtimeRulesResponseSchema },
      async handler({ project, body }) {
        await rules.replace(project.id, body.rules);
        return { rules: body.rules };
      },
    }),
  ];
}
