import {
  AerostackError,
  conversationParamsSchema,
  inboundMailResponseSchema,
  listConversationsResponseSchema,
  newAccountConversationRequestSchema,
  newConversationRequestSchema,
  newConversationResponseSchema,
  newMessageRequestSchema,
  pageQuerySchema,
  readThreadRequestSchema,
  supportThreadSchema,
  writeThreadRequestSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import { readBytes } from "../kernel/read-body.ts";
import type { Conversations } from "./conversations.ts";
import type { InboundSupport } from "./inbound.ts";
import { showConversation, showThread } from "./show-conversation.ts";
import type { ThreadLinks } from "./thread-links.ts";

const TAG = "Support";
const MINUTE_MS = 60_000;
const BEGIN_PER_ADDRESS: LimitPolicy = { limit: 5, windowMs: 10 * MINUTE_MS };
/** Whoever types somebody else's address fills a mailbox with so much at most. */
const BEGIN_PER_EMAIL: LimitPolicy = { limit: 3, windowMs: 60 * MINUTE_MS };
const WRITE_PER_ADDRESS: LimitPolicy = { limit: 20, windowMs: 10 * MINUTE_MS };
const READ_PER_ADDRESS: LimitPolicy = { limit: 60, windowMs: MINUTE_MS };
/** Attachments are dropped, but arrive. */
const MAX_MAIL_BYTES = 25 * 1024 * 1024;

export interface SupportRoutesOptions {
  readonly conversations: Conversations;
  readonly inbound: InboundSupport;
  readonly links: ThreadLinks;
  readonly limiter: Limiter;
  readonly findAccount: (accountId: string) => Promise<{ readonly email: string; readonly name: string | null }>;
}

/** For the people who write: without an account by the link in their mail, with one by their session or key. */
export function supportRoutes({
  conversations,
  inbound,
  links,
  limiter,
  findAccount,
}: SupportRoutesOptions): readonly Route[] {
  const limitAddress = (what: string, clientAddress: string, policy: LimitPolicy) =>
    requireAllowed(limiter, `support:${what}:${limitKeyOfAddress(clientAddress)}`, policy);

  /** @throws NOT_FOUND, the same for a token that is wrong and a conversation that is gone */
  function conversationOf(token: string): string {
    const id = links.conversationOfToken(token);
    if (id === null) throw new AerostackError("NOT_FOUND", { message: "There is no such conversation." });
    return id;
  }

  return [
    defineRoute({
      method: "post",
      path: "/api/v1/support/conversations",
      summary: "Write to the people who run the installation",
      description:
        "About privacy, security or anything else, without an account. Five in ten minutes from one address, three an hour for one e-mail address.",
      tag: TAG,
      auth: "none",
      body: newConversationRequestSchema,
      bodyIsContent: true,
      response: { status: 202, schema: newConversationResponseSchema },
      handler: async ({ body: { name, ...message }, clientAddress }) => {
        await limitAddress("begin", clientAddress, BEGIN_PER_ADDRESS);
        await requireAllowed(limiter, `support:email:${message.email}`, BEGIN_PER_EMAIL);
        await conversations.begin({ ...message, name: name ?? null, accountId: null });
        return { received: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/support/thread",
      summary: "Read a conversation by the token of its link",
      description: "A POST, so that the token stands in no log of addresses.",
      tag: TAG,
      auth: "none",
      body: readThreadRequestSchema,
      response: { status: 200, schema: supportThreadSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ body, clientAddress }) => {
        await limitAddress("read", clientAddress, READ_PER_ADDRESS);
        return showThread(await conversations.read(conversationOf(body.token)));
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/support/thread/messages",
      summary: "Write in a conversation by the token of its link",
      tag: TAG,
      auth: "none",
      body: writeThreadRequestSchema,
      bodyIsContent: true,
      response: { status: 201, schema: supportThreadSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ body: { token, text }, clientAddress }) => {
        await limitAddress("write", clientAddress, WRITE_PER_ADDRESS);
        return showThread(await conversations.addPersonMessage(conversationOf(token), { text }));
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/support/inbound",
      summary: "Hand over a mail to support",
      description:
        "For a mail server, or a service that receives mail: the mail itself as `message/rfc822`, or JSON with `from`, `to`, `subject`, `text` or `html`, `messageId` and `headers`. Signed as Standard Webhooks has it, with `AEROSTACK_SUPPORT_INBOUND_SECRET`. A mail to the address that answers come from is added to its conversation, any other begins one; attachments are left out.",
      tag: TAG,
      auth: "none",
      rawBody: { contentType: "message/rfc822", description: "The mail, or `application/json`." },
      maxBodyBytes: MAX_MAIL_BYTES,
      response: { status: 202, schema: inboundMailResponseSchema },
      errors: ["NOT_FOUND", "FORBIDDEN", "REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"],
      handler: async ({ request }) => ({
        received: await inbound.receive(request.headers, await readBytes(request, MAX_MAIL_BYTES)),
      }),
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/account/support",
      summary: "List the account's conversations with support",
      tag: TAG,
      auth: "account",
      query: pageQuerySchema,
      response: { status: 200, schema: listConversationsResponseSchema },
      handler: async ({ principal, query }) => {
        const { items, nextCursor } = await conversations.list({ ...query, accountId: principal.accountId });
        return { conversations: items.map(showConversation), nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/account/support",
      summary: "Write to the people who run the installation, with an account",
      tag: TAG,
      auth: "account",
      body: newAccountConversationRequestSchema,
      bodyIsContent: true,
      response: { status: 201, schema: supportThreadSchema },
      handler: async ({ principal: { accountId }, body, clientAddress }) => {
        await limitAddress("begin", clientAddress, BEGIN_PER_ADDRESS);
        const { email, name } = await findAccount(accountId);
        const { id } = await conversations.begin({ ...body, email, name, accountId });
        return showThread(await conversations.read(id));
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/account/support/:conversation",
      summary: "Read a conversation of the account",
      tag: TAG,
      auth: "account",
      params: conversationParamsSchema,
      response: { status: 200, schema: supportThreadSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, params }) =>
        showThread(await conversations.read(params.conversation, principal.accountId)),
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/account/support/:conversation/messages",
      summary: "Write in a conversation of the account",
      tag: TAG,
      auth: "account",
      params: conversationParamsSchema,
      body: newMessageRequestSchema,
      bodyIsContent: true,
      response: { status: 201, schema: supportThreadSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ principal, params: { conversation }, body, clientAddress }) => {
        await limitAddress("write", clientAddress, WRITE_PER_ADDRESS);
        await conversations.read(conversation, principal.accountId);
        return showThread(await conversations.addPersonMessage(conversation, body));
      },
    }),
  ];
}
