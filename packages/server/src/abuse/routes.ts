import {
  type AbuseFinding,
  adminAbuseQuerySchema,
  listAbuseQuerySchema,
  listAbuseResponseSchema,
  projectParamsSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { AbuseView } from "./abuse-view.ts";

const TAG = "Abuse";
const OPERATORS = "/api/v1/admin/";

export function createAbuseRoutes(view: AbuseView): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/admin/abuse",
      summary: "List what looks like abuse, in the whole installation",
      description:
        "Suspicious sign-ups, spikes, locks, attacks, keys that leaked or were used from elsewhere, and who is blocked. The gravest first, then the newest; worked out when it is asked for, of the last 24 hours or up to 7 days.",
      tag: TAG,
      auth: "admin",
      query: adminAbuseQuerySchema,
      response: { status: 200, schema: listAbuseResponseSchema },
      async handler({ query: { project = null, ...query } }) {
        const { items, nextCursor } = await view.list({ projectId: project, ...query });
        return { findings: [...items], nextCursor };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/abuse",
      summary: "List what looks like abuse of a project",
      description: "The same, of this project alone.",
      tag: TAG,
      auth: "management",
      permission: "logs.read",
      params: projectParamsSchema,
      query: listAbuseQuerySchema,
      response: { status: 200, schema: listAbuseResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, query }) {
        const { items, nextCursor } = await view.list({ projectId: project.id, ...query });
        return { findings: items.map(forItsPeople), nextCursor };
      },
    }),
  ];
}

/** Without what is the operators' alone. */
function forItsPeople(finding: AbuseFinding): AbuseFinding {
  return { ...finding, block: null, evidence: finding.evidence.filter(({ href }) => !href.startsWith(OPERATORS)) };
}
