import type { Clock } from "@aerostack/kernel";
import type { Env, Hono } from "hono";
import type { Audit } from "../audit/record.ts";
import { createBackground } from "../kernel/background.ts";
import type { Lifecycle } from "../kernel/lifecycle.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import type { Logger } from "../kernel/log.ts";
import type { Outbox } from "../kernel/messages/outbox.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Notices } from "../notices/service.ts";
import { respondWithPage } from "../setup/page-shell.ts";
import { CONTACT_PAGE } from "./contact-page.ts";
import { createConversations } from "./conversations.ts";
import { createInboundSupport } from "./inbound.ts";
import { supportOperatorRoutes } from "./operator-routes.ts";
import { supportRoutes } from "./routes.ts";
import { createSupportMail } from "./support-mail.ts";
import { createThreadLinks } from "./thread-links.ts";
import { THREAD_PAGE } from "./thread-page.ts";

export interface SupportOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly audit: Audit;
  readonly notices: Pick<Notices, "send">;
  readonly outbox: () => Pick<Outbox, "put">;
  readonly origin: () => string;
  /** Makes the links; the same on every server, and after a restart. */
  readonly linkKey: Uint8Array;
  /** Where people write to, if mail is taken in. */
  readonly mailbox: string | undefined;
  readonly inboundSecret: string | undefined;
  readonly accounts: {
    require(accountId: string): Promise<{ readonly email: string; readonly name: string | null }>;
    listAdmins(): Promise<readonly string[]>;
  };
}

export function createSupport(options: SupportOptions) {
  const { sql, clock, limiter, log, lifecycle, audit, notices, outbox, origin, accounts } = options;
  const links = createThreadLinks(options.linkKey, options.mailbox);
  const background = createBackground(log);
  lifecycle.onClose("telling operators", () => background.idle());
  const mail = createSupportMail({
    outbox,
    notices,
    background,
    links,
    origin,
    listOperators: accounts.listAdmins,
  });
  const conversations = createConversations({ sql, clock, audit, mail });
  const inbound = createInboundSupport({ clock, limiter, conversations, links, secret: options.inboundSecret });
  return {
    idle: background.idle,
    routes: [
      ...supportRoutes({ conversations, inbound, links, limiter, findAccount: accounts.require }),
      ...supportOperatorRoutes(conversations),
    ],
    addPages<E extends Env>(app: Hono<E>): void {
      app.get("/contact", (c) => respondWithPage(c, CONTACT_PAGE));
      app.get("/contact/thread", (c) => respondWithPage(c, THREAD_PAGE));
    },
  };
}
