import type { Background } from "../kernel/background.ts";
import { renderMail } from "../kernel/messages/mail-layout.ts";
import type { Outbox } from "../kernel/messages/outbox.ts";
import type { Notices } from "../notices/service.ts";
import type { ConversationRow } from "./store.ts";
import type { ThreadLinks } from "./thread-links.ts";

/** The mail that conversations cause. */
export interface SupportMail {
  /**
   * Tells the person that the message is here, and where its answer will stand. Anybody can type anybody's address into the
   * form, so nothing that was typed there is in this mail: it is of no use for sending advertisements.
   */
  confirm(conversation: ConversationRow, inReplyTo: string | null): Promise<void>;
  answer(conversation: ConversationRow, text: string, inReplyTo: string | null): Promise<void>;
  /** In the background. */
  tellOperators(conversation: ConversationRow): void;
}

const DAY_MS = 24 * 60 * 60_000;
const USEFUL_FOR_MS = 3 * DAY_MS;
/** People write to an installation, not to its software. */
const SENDER = "Aerostack";
const LANGUAGE = "en";

export interface SupportMailOptions {
  readonly outbox: () => Pick<Outbox, "put">;
  readonly notices: Pick<Notices, "send">;
  readonly listOperators: () => Promise<readonly string[]>;
  readonly background: Background;
  readonly links: ThreadLinks;
  readonly origin: () => string;
}

export function createSupportMail(options: SupportMailOptions): SupportMail {
  const { outbox, notices, background, links, origin } = options;

  async function put(
    { id, email }: ConversationRow,
    kind: string,
    content: { readonly subject: string; readonly before: readonly string[]; readonly after: readonly string[] },
    inReplyTo: string | null,
  ): Promise<void> {
    const replyTo = links.replyAddressOf(id);
    const rendered = renderMail(
      {
        ...content,
        action: { label: "See the conversation", url: `${origin()}/contact/thread#token=${links.tokenOf(id)}` },
      },
      { language: LANGUAGE, sender: SENDER, footer: [`${SENDER} at ${origin()}`, howToReply(replyTo)] },
    );
    await outbox().put({
      channel: "mail",
      projectId: null,
      kind,
      to: email,
      usefulForMs: USEFUL_FOR_MS,
      ...rendered,
      ...(replyTo === null ? {} : { replyTo }),
      ...(inReplyTo === null ? {} : { inReplyTo }),
    });
  }

  return {
    confirm: (conversation, inReplyTo) =>
      put(
        conversation,
        "support-received",
        {
          subject: "We have your message",
          before: ["Somebody wrote to us with this address. The answer comes here, and stands in the conversation."],
          after: ["If it was not you, there is nothing to do."],
        },
        inReplyTo,
      ),

    answer: (conversation, text, inReplyTo) =>
      put(
        conversation,
        "support-answer",
        { subject: `Re: ${conversation.subject}`, before: paragraphs(text), after: [] },
        inReplyTo,
      ),

    tellOperators(conversation) {
      background.run("telling operators of a message to support", async () => {
        for (const accountId of await options.listOperators()) {
          await notices.send({
            accountId,
            template: "support-message",
            data: { topic: conversation.topic, subject: conversation.subject, from: conversation.email },
          });
        }
      });
    },
  };
}

function howToReply(replyTo: string | null): string {
  return replyTo === null
    ? "Answers to this mail are not read: write in the conversation."
    : "You can answer this mail, or write in the conversation.";
}

function paragraphs(text: string): string[] {
  return text.split(/\n{2,}/);
}
