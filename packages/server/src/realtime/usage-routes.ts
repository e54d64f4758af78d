import { projectParamsSchema, realtimeUsageResponseSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { MessageUsage } from "./message-quota.ts";

export interface UsageRoutesOptions {
  readonly usageOf: (projectId: string) => Promise<MessageUsage>;
  readonly limitOf: (projectId: string) => Promise<number | null>;
}

/** What a project has used of its plan. */
export function createUsageRoutes({ usageOf, limitOf }: UsageRoutesOptions): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/realtime/usage",
      summary: "Read how many messages a project has published this month",
      description:
        "Servers count up to 100 messages ahead while they publish, and take back what they do not use within ten seconds.",
      tag: "Realtime",
      auth: "management",
      permission: "project.read",
      params: projectParamsSchema,
      response: { status: 200, schema: realtimeUsageResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project }) {
        const [{ month, messages }, limit] = await Promise.all([usageOf(project.id), limitOf(project.id)]);
        return { month, messages, limit };
      },
    }),
  ];
}
