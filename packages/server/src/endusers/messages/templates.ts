import type { EndUserSettings, MessageKind } from "@aerostack/contracts";

export interface MessageFacts {
  readonly appName: string;
  readonly link?: string;
  readonly code?: string;
  /** How long link or code are good for. */
  readonly minutes?: number;
}

export interface RenderedMessage {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

interface Text {
  readonly subject: string;
  readonly lines: readonly string[];
  /** What the link's button says. */
  readonly action?: string;
}

const IGNORE = "If you did not ask for this, do nothing; nothing happens without it.";

const TEXTS: Readonly<Record<MessageKind, Text>> = {
  "verify-email": {
    subject: "Confirm your e-mail address for {{appName}}",
    lines: ["Somebody signed up to {{appName}} with this e-mail address. Was it you? Then confirm it:", IGNORE],
    action: "Confirm the address",
  },
  "reset-password": {
    subject: "A new password for {{appName}}",
    lines: ["You asked to set a new password for {{appName}}. The link works once, for {{minutes}} minutes:", IGNORE],
    action: "Set a new password",
  },
  "magic-link": {
    subject: "Log in to {{appName}}",
    lines: ["Here is your link to log in to {{appName}}. It works once, for {{minutes}} minutes:", IGNORE],
    action: "Log in",
  },
  "otp-email": {
    subject: "{{code}} is your code for {{appName}}",
    lines: [
      "Your code for {{appName}} is {{code}}. It works once, for {{minutes}} minutes.",
      "Give it to nobody, whoever asks. If you did not ask for it, do nothing.",
    ],
  },
  "otp-phone": {
    subject: "",
    lines: ["{{code}} is your code for {{appName}}. Give it to nobody."],
  },
  "account-exists": {
    subject: "You have an account with {{appName}}",
    lines: [
      "Somebody tried to sign up to {{appName}} with this e-mail address, which has an account already.",
      "Was it you? Then log in, or ask for a new password. If not, there is nothing to do.",
    ],
  },
};

/** The text of a message: the project's own where it has one. */
export function renderMessage(
  kind: MessageKind,
  facts: MessageFacts,
  templates: EndUserSettings["templates"],
): RenderedMessage {
  const own = templates[kind];
  if (own !== undefined) {
    return {
      subject: oneLine(fill(own.subject, facts, plain)),
      text: fill(own.text, facts, plain),
      html: own.html === null ? paragraphs(fill(own.text, facts, plain)) : fill(own.html, facts, escapeHtml),
    };
  }
  const { subject, lines, action } = TEXTS[kind];
  const [first = "", ...rest] = lines;
  const link = facts.link;
  return {
    subject: oneLine(fill(subject, facts, plain)),
    text: [first, ...(link === undefined ? [] : [link]), ...rest].map((line) => fill(line, facts, plain)).join("\n\n"),
    html: page(
      [
        paragraph(fill(first, facts, escapeHtml)),
        ...(link === undefined || action === undefined ? [] : [button(link, action)]),
        ...rest.map((line) => paragraph(fill(line, facts, escapeHtml))),
      ].join("\n"),
    ),
  };
}

function fill(text: string, facts: MessageFacts, show: (value: string) => string): string {
  return text.replace(/\{\{(appName|link|code|minutes)\}\}/g, (_, name: keyof MessageFacts) =>
    show(String(facts[name] ?? "")),
  );
}

const plain = (value: string): string => value;

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, " ");
}

function paragraph(html: string): string {
  return `<p style="margin:0 0 16px">${html}</p>`;
}

function paragraphs(text: string): string {
  return page(
    text
      .split(/\n{2,}/)
      .map((part) => paragraph(escapeHtml(part).replaceAll("\n", "<br>")))
      .join("\n"),
  );
}

function button(link: string, action: string): string {
  const style =
    "display:inline-block;padding:12px 20px;border-radius:8px;background:#3451d1;color:#ffffff;text-decoration:none";
  return paragraph(`<a href="${escapeHtml(link)}" style="${style}">${escapeHtml(action)}</a>`);
}

/** No picture, no style sheet: opening the message tells nobody anything. */
function page(body: string): string {
  return `<div style="font:16px/1.5 system-ui,sans-serif;color:#16181d;max-width:480px;margin:0 auto;padding:24px">\n${body}\n</div>`;
}
