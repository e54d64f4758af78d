import type { OutgoingFetch } from "../outgoing.ts";
import { httpDeliveryError, networkDeliveryError } from "./http-delivery-error.ts";
import type { MessageSender } from "./message.ts";

export interface TwilioSettings {
  readonly accountSid: string;
  readonly authToken: string;
  /** A number of the account in E.164, or the SID of a messaging service (`MG…`). */
  readonly from: string;
}

const ORIGIN = "https://api.twilio.com";
const MESSAGING_SERVICE = /^MG[0-9a-f]{32}$/i;

/** Sends text messages through Twilio (https://www.twilio.com/docs/messaging/api/message-resource). */
export function createTwilioSender(settings: TwilioSettings, fetch: OutgoingFetch): MessageSender {
  const { accountSid, authToken, from } = settings;
  const address = `${ORIGIN}/2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`;
  return {
    name: "Twilio",
    async send({ to, text }) {
      const sender: Record<string, string> = MESSAGING_SERVICE.test(from)
        ? { MessagingServiceSid: from }
        : { From: from };
      let answer: Response;
      try {
        answer = await fetch(address, {
          method: "POST",
          headers: {
            authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString("base64")}`,
            "content-type": "application/x-www-form-urlencoded",
          },
          body: new URLSearchParams({ To: to, Body: text, ...sender }).toString(),
        });
      } catch (error) {
        throw networkDeliveryError("Twilio", error);
      }
      if (!answer.ok) throw await httpDeliveryError("Twilio", answer);
      await answer.body?.cancel();
    },
  };
}
