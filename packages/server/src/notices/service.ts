import { AerostackError } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { Background } from "../kernel/background.ts";
import type { Outbox } from "../kernel/messages/outbox.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { type Installation, type NoticeLanguage, renderDashboardNotice, renderNoticeMail } from "./render-notice.ts";
import { type NoticeRow, noticeStore } from "./store.ts";
import type { NoticeTables } from "./tables.ts";
import { NOTICE_TEMPLATES, type NoticeFacts, type NoticeTemplate } from "./templates.ts";

/**
 * Responsible for what the installation tells the people behind accounts: by mail, and in the dashboard where it may be
 * read again. Only what an account needs to know; there is no template for advertisements.
 */
export interface Notices {
  /** Stores the notice and puts its mail into the outbox; nothing at all for an account that is gone. */
  send<Template extends NoticeTemplate>(notice: NewNotice<Template>): Promise<void>;
  /** The same, while the caller goes on: a failure is logged, and time does not tell whether anybody was told. */
  sendInBackground<Template extends NoticeTemplate>(notice: NewNotice<Template>): void;
  /** To an address that need not be an account's. */
  sendMail<Template extends NoticeTemplate>(mail: NewNoticeMail<Template>): Promise<void>;
  list(accountId: string, request: NoticeListRequest): Promise<Page<NoticeRow> & { readonly unreadCount: number }>;
  /** @throws NOT_FOUND when the account has no such notice */
  read(accountId: string, noticeId: string): Promise<NoticeRow>;
  readAll(accountId: string): Promise<void>;
  removeExpired(): Promise<void>;
}

export interface NewNotice<Template extends NoticeTemplate> {
  readonly accountId: string;
  readonly template: Template;
  readonly data: NoticeFacts[Template];
}

export interface NewNoticeMail<Template extends NoticeTemplate> {
  readonly to: string;
  readonly template: Template;
  readonly data: NoticeFacts[Template];
  readonly language?: NoticeLanguage;
}

export interface NoticeListRequest extends PageRequest {
  /** True: only what was not read. */
  readonly unread: boolean;
}

const DAY_MS = 24 * 60 * 60_000;
/** Notices are for people, not an archive. */
const KEPT_MS = 365 * DAY_MS;

export interface NoticesOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly background: Background;
  /** Where messages wait to be sent. */
  readonly putMessage: Outbox["put"];
  readonly findRecipient: (accountId: string) => Promise<{ readonly email: string } | undefined>;
  readonly installation: () => Installation;
}

export function createNotices(options: NoticesOptions): Notices {
  const { clock, background, putMessage, findRecipient, installation } = options;
  const sql = options.sql.withTables<NoticeTables>();

  async function sendMail<Template extends NoticeTemplate>(mail: NewNoticeMail<Template>): Promise<void> {
    const { to, template, data, language } = mail;
    const rendered = renderNoticeMail(template, data, installation(), language);
    const { usefulForMs } = NOTICE_TEMPLATES[template];
    await putMessage({ channel: "mail", projectId: null, kind: template, to, usefulForMs, ...rendered });
  }

  async function send<Template extends NoticeTemplate>({ accountId, template, data }: NewNotice<Template>) {
    const recipient = await findRecipient(accountId);
    if (recipient === undefined) return;
    const { severity, inDashboard } = NOTICE_TEMPLATES[template];
    if (inDashboard) {
      const now = clock.now();
      await noticeStore.insert(sql.db, {
        id: createId("ntc", now),
        account_id: accountId,
        template,
        severity,
        ...renderDashboardNotice(template, data, installation()),
        created_at: now,
        read_at: null,
      });
    }
    await sendMail({ to: recipient.email, template, data });
  }

  return {
    send,
    sendInBackground: (notice) => background.run(`the notice ${notice.template}`, () => send(notice)),
    sendMail,
    async list(accountId, request) {
      const page = toPage(await noticeStore.list(sql.db, accountId, request), request.limit);
      return { ...page, unreadCount: await noticeStore.countUnread(sql.db, accountId) };
    },
    async read(accountId, noticeId) {
      const notice = await noticeStore.read(sql.db, accountId, noticeId, clock.now());
      if (notice === undefined) throw new AerostackError("NOT_FOUND", { message: "There is no such notice." });
      return notice;
    },
    readAll: (accountId) => noticeStore.readAll(sql.db, accountId, clock.now()),
    removeExpired: () => noticeStore.removeOlder(sql.db, clock.now() - KEPT_MS),
  };
}
