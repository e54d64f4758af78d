import { projectParamsSchema, type RealtimeLimits, realtimeUsageResponseSchema } from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { MessageUsage } from "./message-quota.ts";

export interface UsageRoutesOptions {
  readonly usageOf: (projectId: string) => Promise<MessageUsage>;
  readonly roomsOf: (projectId: string) => Promise<number>;
  readonly limitsOf: (projectId: string) => Promise<Pick<RealtimeLimits, "messagesPerMonth" | "rooms">>;
}

/** What a project has used of its plan. */
export function createUsageRoutes({ usageOf, roomsOf, limitsOf }: UsageRoutesOptions): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/realtime/usage",
      summary: "Read how many messages a project has published this month, and how many rooms it has",
      description:
        "Servers count up to 100 messages ahead while they publish, and take back what they do not use within ten seconds.",
      tag: "Realtime",
      auth: "management",
      permission: "project.read",
      params: projectParamsSchema,
      response: { status: 200, schema: realtimeUsageResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project }) {
        const [{ month, messages }, rooms, limits] = await Promise.all([
          usageOf(project.id),
          roomsOf(project.id),
          limitsOf(project.id),
        ]);
        return { month, messages, limit: limits.messagesPerMonth, rooms, roomLimit: limits.rooms };
      },
    }),
  ];
}
