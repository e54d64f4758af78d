import type { MessageSender } from "../../kernel/messages/message.ts";
import type { FindSender } from "../../kernel/messages/outbox.ts";
import { createResendSender } from "../../kernel/messages/resend-sender.ts";
import { createSmtpSender } from "../../kernel/messages/smtp-sender.ts";
import { createTwilioSender } from "../../kernel/messages/twilio-sender.ts";
import type { Outgoing } from "../../kernel/outgoing.ts";
import type { SettingsReader } from "../settings/settings.ts";

export interface ProjectSenderOptions {
  readonly settings: SettingsReader;
  /** Reaches what the project's own functions may reach, and nothing else. */
  readonly outgoing: Outgoing;
  /** Sends for projects without a sender of their own. */
  readonly installation: Readonly<Record<"mail" | "sms", MessageSender | null>>;
}

/** Who sends a project's messages, as its settings say. */
export function createProjectSenders({ settings, outgoing, installation }: ProjectSenderOptions): FindSender {
  async function textSenderOf(projectId: string): Promise<MessageSender | null> {
    const { sms } = await settings.of(projectId);
    switch (sms.sender) {
      case "default":
        return installation.sms;
      case "outbox":
        return null;
      case "twilio": {
        const { "sms.twilio.authToken": authToken } = await settings.secretsOf(projectId);
        return sms.twilio === null || authToken === undefined
          ? null
          : createTwilioSender({ ...sms.twilio, authToken }, outgoing.fetch);
      }
      default:
        return sms.sender satisfies never;
    }
  }

  return async (projectId, channel) => {
    if (projectId === null) return installation[channel];
    if (channel === "sms") return await textSenderOf(projectId);
    const { mail } = await settings.of(projectId);
    switch (mail.sender) {
      case "default":
        return installation.mail;
      case "outbox":
        return null;
      case "smtp": {
        if (mail.smtp === null || mail.from === null) return null;
        const { host, port, security, user } = mail.smtp;
        const secrets = await settings.secretsOf(projectId);
        return createSmtpSender(
          {
            host,
            port,
            security,
            from: mail.from,
            ...(user === null ? {} : { user, password: secrets["mail.smtp.password"] }),
          },
          outgoing,
        );
      }
      case "resend": {
        const { "mail.resend.apiKey": apiKey } = await settings.secretsOf(projectId);
        return apiKey === undefined || mail.from === null
          ? null
          : createResendSender({ apiKey, from: mail.from }, outgoing.fetch);
      }
      default:
        return mail.sender satisfies never;
    }
  };
}
