import { type MailContent, type RenderedMail, renderMail, subjectLine } from "../kernel/messages/mail-layout.ts";
import type { NoticeText, NoticeTexts } from "./notice-text.ts";
import { NOTICE_TEMPLATES, type NoticeFacts, type NoticeTemplate } from "./templates.ts";
import { ENGLISH } from "./texts-en.ts";

/** Every language that messages are written in. Another one is a file like `texts-en.ts` and a line here. */
export const NOTICE_LANGUAGES = { en: ENGLISH } as const satisfies Readonly<Record<string, NoticeTexts>>;
export type NoticeLanguage = keyof typeof NOTICE_LANGUAGES;

/** Whoever sends: every message names it. */
export interface Installation {
  readonly product: string;
  readonly origin: string;
}

/** What the dashboard shows of a message: it holds no link with a token. */
export interface DashboardNotice {
  readonly title: string;
  readonly text: string;
  /** Of the dashboard; null: there is nothing more to see. */
  readonly page: string | null;
}

type Facts = Readonly<Record<string, string | number | Date | null>>;

interface Filled extends MailContent {
  readonly facts: readonly (readonly [string, string])[];
}

export function renderNoticeMail<Template extends NoticeTemplate>(
  template: Template,
  data: NoticeFacts[Template],
  installation: Installation,
  language: NoticeLanguage = "en",
): RenderedMail {
  const { footer } = NOTICE_LANGUAGES[language];
  const facts = { ...data, ...installation } as Facts;
  return renderMail(fillText(template, facts, installation, language), {
    language,
    sender: installation.product,
    footer: footer.map((line) => fill(line, facts, language)),
  });
}

export function renderDashboardNotice<Template extends NoticeTemplate>(
  template: Template,
  data: NoticeFacts[Template],
  installation: Installation,
  language: NoticeLanguage = "en",
): DashboardNotice {
  const { subject, before, facts, after } = fillText(
    template,
    { ...data, ...installation } as Facts,
    installation,
    language,
  );
  const table = facts.map(([label, value]) => `${label}: ${value}`).join("\n");
  return {
    title: subjectLine(subject),
    text: [...before, ...(table === "" ? [] : [table]), ...after].join("\n\n"),
    page: NOTICE_TEMPLATES[template].page ?? null,
  };
}

function fillText(template: NoticeTemplate, facts: Facts, { origin }: Installation, language: NoticeLanguage): Filled {
  const text: NoticeText = NOTICE_LANGUAGES[language].templates[template];
  const { page } = NOTICE_TEMPLATES[template];
  const url = facts.link ?? (page === undefined ? undefined : `${origin}${page}`);
  const show = (line: string): string => fill(line, facts, language);
  return {
    subject: show(text.subject),
    before: text.before.map(show),
    ...(text.showsCode === true ? { code: oneLine(String(facts.code)) } : {}),
    facts: (text.facts ?? [])
      .map(([label, value]) => [label, show(value)] as const)
      .filter(([, value]) => value !== ""),
    ...(text.action === undefined || url === undefined
      ? {}
      : { action: { label: show(text.action), url: String(url) } }),
    after: text.after.map(show),
  };
}

function fill(text: string, facts: Facts, language: NoticeLanguage): string {
  return text.replace(/\{\{(\w+)(\|date)?\}\}/g, (_, name: string, day: string | undefined) => {
    const value = facts[name];
    if (value instanceof Date) return showTime(value, day !== undefined, language);
    return oneLine(String(value ?? ""));
  });
}

/**
 * What people typed stays within its sentence: it can neither begin a paragraph of its own nor turn the direction of what
 * comes after it.
 */
function oneLine(value: string): string {
  return subjectLine(value).replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
}

function showTime(time: Date, isDay: boolean, language: NoticeLanguage): string {
  const day = time.toLocaleDateString(language === "en" ? "en-GB" : language, { dateStyle: "long", timeZone: "UTC" });
  return isDay ? day : `${day}, ${time.toISOString().slice(11, 16)} UTC`;
}
