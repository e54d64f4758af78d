import {
  listNoticesQuerySchema,
  listNoticesResponseSchema,
  listOutboxResponseSchema,
  type Notice,
  noticeParamsSchema,
  noticeResponseSchema,
  pageQuerySchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { Outbox } from "../kernel/messages/outbox.ts";
import { showOutboxMessage } from "../kernel/messages/show-outbox-message.ts";
import { toIso, toIsoOrNull } from "../kernel/page.ts";
import type { Notices } from "./service.ts";
import type { NoticeRow } from "./store.ts";

const TAG = "Notices";

export interface NoticeRoutesOptions {
  readonly notices: Notices;
  readonly listMessages: Outbox["list"];
}

export function noticeRoutes({ notices, listMessages }: NoticeRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/account/notices",
      summary: "List the account's notices",
      description: "Newest first. They are kept for a year.",
      tag: TAG,
      auth: "account",
      query: listNoticesQuerySchema,
      response: { status: 200, schema: listNoticesResponseSchema },
      handler: async ({ principal, query }) => {
        const { items, ...page } = await notices.list(principal.accountId, query);
        return { notices: items.map(show), ...page };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/account/notices/read",
      summary: "Mark all notices as read",
      tag: TAG,
      auth: "account",
      response: { status: 200, schema: successSchema },
      handler: async ({ principal }) => {
        await notices.readAll(principal.accountId);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/account/notices/:notice/read",
      summary: "Mark a notice as read",
      tag: TAG,
      auth: "account",
      params: noticeParamsSchema,
      response: { status: 200, schema: noticeResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, params }) => ({
        notice: show(await notices.read(principal.accountId, params.notice)),
      }),
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/admin/outbox",
      summary: "List messages of the installation to its accounts",
      description:
        "Newest first. Without a sender they stay here, where an admin can read them; one that was sent shows no text.",
      tag: TAG,
      auth: "admin",
      query: pageQuerySchema,
      response: { status: 200, schema: listOutboxResponseSchema },
      handler: async ({ query }) => {
        const { items, nextCursor } = await listMessages(null, query);
        return { messages: items.map(showOutboxMessage), nextCursor };
      },
    }),
  ];
}

function show(row: NoticeRow): Notice {
  return {
    id: row.id,
    template: row.template,
    severity: row.severity as Notice["severity"],
    title: row.title,
    text: row.text,
    page: row.page,
    createdAt: toIso(row.created_at),
    readAt: toIsoOrNull(row.read_at),
  };
}
