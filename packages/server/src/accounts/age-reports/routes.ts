import {
  ageReportParamsSchema,
  ageReportRequestSchema,
  ageReportResponseSchema,
  decideAgeReportRequestSchema,
  listAgeReportsQuerySchema,
  listAgeReportsResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { AgeReports } from "./age-reports.ts";

const TAG = "Accounts";
const ADMIN_PATH = "/api/v1/admin/age-reports";

export function ageReportRoutes(reports: AgeReports): readonly Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/auth/age-reports",
      summary: "Report that an account belongs to somebody under 16",
      description:
        "By anybody. The answer is the same whether the address has an account or not. Five in ten minutes from one address, three an hour about one e-mail address.",
      tag: TAG,
      auth: "none",
      body: ageReportRequestSchema,
      response: { status: 202, schema: ageReportResponseSchema },
      handler: async ({ body, clientAddress }) => {
        await reports.report(body, clientAddress);
        return { received: true as const };
      },
    }),
    defineRoute({
      method: "get",
      path: ADMIN_PATH,
      summary: "List reports of accounts of people under 16",
      description: "Newest first.",
      tag: TAG,
      auth: "admin",
      query: listAgeReportsQuerySchema,
      response: { status: 200, schema: listAgeReportsResponseSchema },
      handler: async ({ query }) => {
        const { items, nextCursor } = await reports.list(query);
        return {
          reports: items.map((row) => ({
            id: row.id,
            email: row.email,
            accountId: row.accountId,
            statement: row.statement,
            status: row.status,
            createdAt: toIso(row.created_at),
            decidedAt: row.decided_at === null ? null : toIso(row.decided_at),
          })),
          nextCursor,
        };
      },
    }),
    defineRoute({
      method: "post",
      path: `${ADMIN_PATH}/:report/decide`,
      summary: "Decide about a report of an account of somebody under 16",
      description: "`upheld`: the account is closed at once and deleted with all that is its alone.",
      tag: TAG,
      auth: "admin",
      params: ageReportParamsSchema,
      body: decideAgeReportRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ principal, params, body }) => {
        await reports.decide(principal.accountId, params.report, body.upheld);
        return { success: true as const };
      },
    }),
  ];
}
