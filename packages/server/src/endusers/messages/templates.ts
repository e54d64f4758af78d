import type { EndUserSettings, MessageKind } from "@aerostack/contracts";
import {
  escapeHtml,
  type MailContent,
  type RenderedMail,
  renderMail,
  subjectLine,
} from "../../kernel/messages/mail-layout.ts";

export interface MessageFacts {
  readonly appName: string;
  readonly link?: string;
  readonly code?: string;
  /** How long link or code are good for. */
  readonly minutes?: number;
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
): RenderedMail {
  const own = templates[kind];
  if (own !== undefined && own.html !== null) {
    return {
      subject: subjectLine(fill(own.subject, facts, plain)),
      text: fill(own.text, facts, plain),
      html: fill(own.html, facts, escapeHtml),
    };
  }
  const frame = { language: "en", sender: facts.appName };
  if (own !== undefined) {
    const text = fill(own.text, facts, plain);
    const content = { subject: fill(own.subject, facts, plain), before: text.split(/\n{2,}/), after: [] };
    return { ...renderMail(content, frame), text };
  }
  const { subject, lines, action } = TEXTS[kind];
  const [first = "", ...rest] = lines.map((line) => fill(line, facts, plain));
  const content: MailContent = {
    subject: fill(subject, facts, plain),
    before: [first],
    ...(facts.link === undefined || action === undefined ? {} : { action: { label: action, url: facts.link } }),
    after: rest,
  };
  return renderMail(content, frame);
}

function fill(text: string, facts: MessageFacts, show: (value: string) => string): string {
  return text.replace(/\{\{(appName|link|code|minutes)\}\}/g, (_, name: keyof MessageFacts) =>
    show(String(facts[name] ?? "")),
  );
}

const plain = (value: string): string => value;
