import {
  accountSessionParamsSchema,
  listAccountSessionsResponseSchema,
  pageQuerySchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toIso } from "../kernel/page.ts";
import type { DeviceSessions } from "./device-sessions.ts";
import { type SessionLifetimes, sessionEnd } from "./sessions.ts";

const TAG = "Accounts";

export function deviceSessionRoutes(sessions: DeviceSessions, lifetimes: SessionLifetimes): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/auth/sessions",
      summary: "List where the account is logged in",
      tag: TAG,
      auth: "account",
      query: pageQuerySchema,
      response: { status: 200, schema: listAccountSessionsResponseSchema },
      handler: async ({ principal, query }) => {
        const { items, nextCursor } = await sessions.list(principal.accountId, query);
        return {
          sessions: items.map(({ id, device, ip, created_at, last_used_at }) => ({
            id,
            device,
            ip,
            createdAt: toIso(created_at),
            lastUsedAt: toIso(last_used_at ?? created_at),
            expiresAt: toIso(sessionEnd({ created_at, last_used_at }, lifetimes)),
            current: id === principal.credentialId,
          })),
          nextCursor,
        };
      },
    }),
    defineRoute({
      method: "delete",
      path: "/api/auth/sessions/:session",
      summary: "End a session of the account",
      tag: TAG,
      auth: "account",
      params: accountSessionParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, params }) => {
        await sessions.end(principal.accountId, params.session);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/auth/sessions/revoke-others",
      summary: "End all other sessions of the account",
      description: "All but the one that asks; with a key, all.",
      tag: TAG,
      auth: "account",
      response: { status: 200, schema: successSchema },
      handler: async ({ principal }) => {
        await sessions.endOthers(principal);
        return { success: true as const };
      },
    }),
  ];
}
