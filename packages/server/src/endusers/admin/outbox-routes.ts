import {
  AerostackError,
  listOutboxResponseSchema,
  outboxMessageParamsSchema,
  outboxMessageResponseSchema,
  pageQuerySchema,
  projectParamsSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { Outbox } from "../../kernel/messages/outbox.ts";
import { showOutboxMessage } from "../../kernel/messages/show-outbox-message.ts";

export interface OutboxRoutesOptions {
  readonly outbox: Outbox;
}

/** What was sent to a project's users, and what could not be. */
export function createOutboxRoutes({ outbox }: OutboxRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/auth/outbox",
      summary: "List messages to a project's users",
      description: "Newest first. Without a sender they stay here and can be read; one that was sent shows no text.",
      tag: "End users: administration",
      auth: "management",
      permission: "users.read",
      params: projectParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listOutboxResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id }, query }) => {
        const { items, nextCursor } = await outbox.list(id, query);
        return {
          messages: items.map(showOutboxMessage),
          nextCursor,
        };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/auth/outbox/:message",
      summary: "Get a message to a project's users",
      tag: "End users: administration",
      auth: "management",
      permission: "users.read",
      params: outboxMessageParamsSchema,
      response: { status: 200, schema: outboxMessageResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id }, params }) => {
        const found = await outbox.find(id, params.message);
        if (found === undefined) throw new AerostackError("NOT_FOUND", { message: "There is no such message." });
        return { message: showOutboxMessage(found) };
      },
    }),
  ];
}
