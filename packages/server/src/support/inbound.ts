import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { verifyWebhook } from "../kernel/standard-webhooks.ts";
import type { Conversations } from "./conversations.ts";
import { type InboundMail, readInbound } from "./read-inbound.ts";
import type { ThreadLinks } from "./thread-links.ts";

/** Takes in mail that a mail server, or a service that receives mail, hands over by a signed request. */
export interface InboundSupport {
  /**
   * @returns false for what no person wrote
   * @throws NOT_FOUND where no secret is set · FORBIDDEN for a signature that is missing or wrong
   */
  receive(headers: Headers, body: Buffer): Promise<boolean>;
}

/** Of one sender: a loop between two programs ends here, as does somebody who floods. */
const PER_SENDER: LimitPolicy = { limit: 20, windowMs: 60 * 60_000 };

export interface InboundSupportOptions {
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly conversations: Conversations;
  readonly links: ThreadLinks;
  /** Shared with whoever hands mail over; undefined turns it off. */
  readonly secret: string | undefined;
}

export function createInboundSupport(options: InboundSupportOptions): InboundSupport {
  const { clock, limiter, conversations, links, secret } = options;

  /** The conversation that a mail answers. One that is gone is begun anew. */
  async function addToConversation(mail: InboundMail, message: Parameters<Conversations["addPersonMessage"]>[1]) {
    const id = mail.to.map(links.conversationOfAddress).find((found) => found !== null);
    if (id === undefined || id === null) return false;
    try {
      await conversations.addPersonMessage(id, message);
      return true;
    } catch (error) {
      if (error instanceof AerostackError && (error.code === "NOT_FOUND" || error.code === "CONFLICT")) return false;
      throw error;
    }
  }

  return {
    async receive(headers, body) {
      if (secret === undefined)
        throw new AerostackError("NOT_FOUND", { message: "This installation takes no mail in." });
      if (!verifyWebhook(headers, body, secret, clock.now())) {
        throw new AerostackError("FORBIDDEN", {
          message: "The signature is missing, wrong or old.",
          fix: "Sign with the secret of AEROSTACK_SUPPORT_INBOUND_SECRET, as Standard Webhooks has it.",
        });
      }
      const mail = await readInbound(headers.get("content-type") ?? "", body);
      if (mail.isAutomatic) return false;
      // Mail that is refused for a while would come again: it is dropped, and its sender sees no answer.
      if (!(await limiter.take(`support:sender:${mail.from}`, PER_SENDER)).allowed) return false;
      const left = mail.attachments === 0 ? "" : `\n\n(${mail.attachments} attachments were left out)`;
      const message = { text: `${mail.text}${left}`, mail: { from: mail.from, messageId: mail.messageId } };
      if (await addToConversation(mail, message)) return true;
      await conversations.begin({
        ...message,
        topic: "support",
        subject: mail.subject,
        email: mail.from,
        name: mail.fromName,
        accountId: null,
      });
      return true;
    },
  };
}
