import type { Clock } from "@aerostack/kernel";
import type { Background } from "../kernel/background.ts";
import { everyHour } from "../kernel/every-hour.ts";
import type { Lifecycle } from "../kernel/lifecycle.ts";
import type { Logger } from "../kernel/log.ts";
import type { Outbox } from "../kernel/messages/outbox.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { noticeRoutes } from "./routes.ts";
import { createNotices } from "./service.ts";

export interface AccountNoticesOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly background: Background;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly findAccount: (accountId: string) => Promise<{ readonly email: string } | undefined>;
  /** Of the whole installation; it is there when the first message is sent. */
  readonly outbox: () => Outbox;
  readonly origin: () => string;
}

/** How messages to accounts name the installation. */
const PRODUCT = "Aerostack";

/** Notices to accounts, with their addresses and housekeeping. */
export function createAccountNotices(options: AccountNoticesOptions) {
  const { outbox, origin } = options;
  const notices = createNotices({
    ...options,
    putMessage: (message) => outbox().put(message),
    findRecipient: options.findAccount,
    installation: () => ({ product: PRODUCT, origin: origin() }),
  });
  const housekeeping = everyHour("removing old notices", notices.removeExpired, options.log);
  options.lifecycle.onClose("housekeeping of notices", () => housekeeping.stop());
  const routes = noticeRoutes({ notices, listMessages: (projectId, page) => outbox().list(projectId, page) });
  return { notices, routes };
}
