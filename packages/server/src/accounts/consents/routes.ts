import {
  consentParamsSchema,
  listConsentsResponseSchema,
  pageQuerySchema,
  setConsentRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso } from "../../kernel/page.ts";
import type { ConsentRow, Consents } from "./consents.ts";

const TAG = "Accounts";
const PATH = "/api/auth/consents";

export function consentRoutes(consents: Consents): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: PATH,
      summary: "List what the account has agreed to",
      description:
        "What counts now for each purpose, and every yes and no with its version, time and source, newest first.",
      tag: TAG,
      auth: "account",
      query: pageQuerySchema,
      response: { status: 200, schema: listConsentsResponseSchema },
      handler: async ({ principal: { accountId }, query }) => {
        const current = await consents.current(accountId);
        const { items, nextCursor } = await consents.history(accountId, query);
        return {
          consents: [...current].map(([purpose, row]) => ({
            purpose,
            granted: row?.granted === 1,
            version: row?.version ?? null,
            decidedAt: row === null ? null : toIso(row.created_at),
          })),
          history: items.map(showConsent),
          nextCursor,
        };
      },
    }),
    defineRoute({
      method: "put",
      path: `${PATH}/:purpose`,
      summary: "Give or withdraw consent",
      description: "A yes by a session only; a no by a key, too. Nothing is agreed to until this says so.",
      tag: TAG,
      auth: "account",
      params: consentParamsSchema,
      body: setConsentRequestSchema,
      response: { status: 200, schema: successSchema },
      errors: ["FORBIDDEN"],
      handler: async ({ principal, params, body }) => {
        await consents.set(principal, { ...params, ...body });
        return { success: true as const };
      },
    }),
  ];
}

function showConsent(row: ConsentRow) {
  return {
    id: row.id,
    purpose: row.purpose,
    granted: row.granted === 1,
    version: row.version,
    source: row.source,
    decidedAt: toIso(row.created_at),
  };
}
