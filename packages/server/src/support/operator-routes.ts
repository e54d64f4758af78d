import {
  changeConversationRequestSchema,
  conversationParamsSchema,
  newMessageRequestSchema,
  operatorConversationResponseSchema,
  operatorConversationsQuerySchema,
  operatorConversationsResponseSchema,
  operatorThreadSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { Conversations } from "./conversations.ts";
import { showOperatorConversation, showOperatorThread } from "./show-conversation.ts";

const TAG = "Support";

/** For those who answer. */
export function supportOperatorRoutes(conversations: Conversations): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/admin/support",
      summary: "List conversations with people",
      description: "Newest first.",
      tag: TAG,
      auth: "admin",
      query: operatorConversationsQuerySchema,
      response: { status: 200, schema: operatorConversationsResponseSchema },
      handler: async ({ query }) => {
        const { items, nextCursor } = await conversations.list(query);
        return { conversations: items.map(showOperatorConversation), nextCursor };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/admin/support/:conversation",
      summary: "Read a conversation",
      tag: TAG,
      auth: "admin",
      params: conversationParamsSchema,
      response: { status: 200, schema: operatorThreadSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ params }) => showOperatorThread(await conversations.read(params.conversation)),
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/admin/support/:conversation/messages",
      summary: "Answer a conversation",
      description: "The answer goes out by mail as well.",
      tag: TAG,
      auth: "admin",
      idempotent: true,
      params: conversationParamsSchema,
      body: newMessageRequestSchema,
      bodyIsContent: true,
      response: { status: 201, schema: operatorThreadSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, params, body }) =>
        showOperatorThread(await conversations.answer(params.conversation, principal.accountId, body.text)),
    }),
    defineRoute({
      method: "patch",
      path: "/api/v1/admin/support/:conversation",
      summary: "Close or reopen a conversation",
      tag: TAG,
      auth: "admin",
      params: conversationParamsSchema,
      body: changeConversationRequestSchema,
      response: { status: 200, schema: operatorConversationResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ params, body }) => ({
        conversation: showOperatorConversation(await conversations.setStatus(params.conversation, body.status)),
      }),
    }),
  ];
}
