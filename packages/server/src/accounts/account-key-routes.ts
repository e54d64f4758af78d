import {
  type AccountKey,
  accountKeyParamsSchema,
  createAccountKeyRequestSchema,
  createAccountKeyResponseSchema,
  listAccountKeysResponseSchema,
  pageQuerySchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toIso, toIsoOrNull } from "../kernel/page.ts";
import type { AccountKeyRow } from "./account-key-store.ts";
import type { AccountKeyService } from "./account-keys.ts";

const TAG = "Account keys";

export function accountKeyRoutes(keys: AccountKeyService): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/account/keys",
      summary: "List account keys",
      tag: TAG,
      auth: "account",
      query: pageQuerySchema,
      response: { status: 200, schema: listAccountKeysResponseSchema },
      handler: async ({ principal, query }) => {
        const page = await keys.list(principal.accountId, query);
        return { keys: page.items.map(show), nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/account/keys",
      summary: "Create an account key",
      description: "It may do what the account may do. It is shown in this answer and never again.",
      tag: TAG,
      auth: "account",
      body: createAccountKeyRequestSchema,
      response: { status: 201, schema: createAccountKeyResponseSchema },
      errors: ["CONFLICT"],
      idempotent: true,
      handler: async ({ principal, body }) => {
        const { row, secret } = await keys.create(principal.accountId, body.name);
        return { key: show(row), secret };
      },
    }),
    defineRoute({
      method: "delete",
      path: "/api/v1/account/keys/:key",
      summary: "Revoke an account key",
      description: "The key is refused everywhere within a second.",
      tag: TAG,
      auth: "account",
      params: accountKeyParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, params }) => {
        await keys.revoke(principal.accountId, params.key);
        return { success: true as const };
      },
    }),
  ];
}

function show(row: AccountKeyRow): AccountKey {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    createdAt: toIso(row.created_at),
    lastUsedAt: toIsoOrNull(row.last_used_at),
    revokedAt: toIsoOrNull(row.revoked_at),
  };
}
