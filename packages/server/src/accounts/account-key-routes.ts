import {
  accountKeyParamsSchema,
  createAccountKeyRequestSchema,
  createAccountKeyResponseSchema,
  listAccountKeysResponseSchema,
  pageQuerySchema,
  rotateKeyRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { readNewLimits, showKey } from "../keys/key-record.ts";
import type { AccountKeyService } from "./account-keys.ts";

const TAG = "Account keys";
const MS_PER_SECOND = 1_000;

/** A key without scopes is as good as a log-in that never ends. */
const mayEverything = (scopes: readonly string[] | undefined): boolean => scopes === undefined || scopes.includes("*");

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
        return { keys: page.items.map(showKey), nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/account/keys",
      summary: "Create an account key",
      description: "It may do what the account may do. It is shown in this answer and never again.",
      tag: TAG,
      auth: "account",
      freshProof: ({ scopes }) => mayEverything(scopes),
      body: createAccountKeyRequestSchema,
      response: { status: 201, schema: createAccountKeyResponseSchema },
      errors: ["AUTH_PROOF_REQUIRED", "CONFLICT"],
      idempotent: true,
      handler: async ({ principal, body: { name, ...limits } }) => {
        const input = { name, ...readNewLimits(limits), maker: principal.limits };
        const { row, secret } = await keys.create(principal.accountId, input);
        return { key: showKey(row), secret };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/account/keys/:key/rotate",
      summary: "Rotate an account key",
      description:
        "Makes a key that may do what the old one may. The old one goes on working for the grace, a day by default.",
      tag: TAG,
      auth: "account",
      freshProof: true,
      params: accountKeyParamsSchema,
      body: rotateKeyRequestSchema,
      response: { status: 201, schema: createAccountKeyResponseSchema },
      errors: ["AUTH_PROOF_REQUIRED", "NOT_FOUND", "CONFLICT"],
      idempotent: true,
      handler: async ({ principal, params, body }) => {
        const input = { graceMs: body.graceSeconds * MS_PER_SECOND, maker: principal.limits };
        const { row, secret } = await keys.rotate(principal.accountId, params.key, input);
        return { key: showKey(row), secret };
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
