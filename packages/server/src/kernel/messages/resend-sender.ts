import type { OutgoingFetch } from "../outgoing.ts";
import { httpDeliveryError, networkDeliveryError } from "./http-delivery-error.ts";
import type { MessageSender } from "./message.ts";

export interface ResendSettings {
  readonly apiKey: string;
  readonly from: string;
}

const ADDRESS = "https://api.resend.com/emails";

/** Sends through Resend's API (https://resend.com/docs/api-reference/emails/send-email). */
export function createResendSender({ apiKey, from }: ResendSettings, fetch: OutgoingFetch): MessageSender {
  return {
    name: "Resend",
    async send({ to, subject, text, html, replyTo, inReplyTo }, id) {
      let answer: Response;
      try {
        answer = await fetch(ADDRESS, {
          method: "POST",
          headers: {
            authorization: `Bearer ${apiKey}`,
            "content-type": "application/json",
            "user-agent": "aerostack",
            "idempotency-key": id,
          },
          body: JSON.stringify({
            from,
            to: [to],
            subject,
            text,
            ...(html === undefined ? {} : { html }),
            ...(replyTo === undefined ? {} : { reply_to: replyTo }),
            ...(inReplyTo === undefined ? {} : { headers: { "In-Reply-To": inReplyTo, References: inReplyTo } }),
          }),
        });
      } catch (error) {
        throw networkDeliveryError("Resend", error);
      }
      if (!answer.ok) throw await httpDeliveryError("Resend", answer);
      await answer.body?.cancel();
    },
  };
}
