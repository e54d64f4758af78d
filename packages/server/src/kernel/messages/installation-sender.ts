import { isLoopbackHost } from "../config.ts";
import { createOutgoing, type OutgoingFetch } from "../outgoing.ts";
import type { MessageSender } from "./message.ts";
import { createResendSender } from "./resend-sender.ts";
import { createSmtpSender } from "./smtp-sender.ts";
import { createTwilioSender } from "./twilio-sender.ts";

export interface InstallationMailSettings {
  readonly smtpUrl: string | undefined;
  readonly resendApiKey: string | undefined;
  readonly mailFrom: string | undefined;
}

export interface InstallationTextSettings {
  readonly twilioAccountSid: string | undefined;
  readonly twilioAuthToken: string | undefined;
  readonly twilioFrom: string | undefined;
}

const SUBMISSION_PORT = 587;
const SUBMISSIONS_PORT = 465;

/** Who sends e-mail as the settings say; null: nobody. Its address is the operator's, so it may be a private one. */
export function createInstallationSender(settings: InstallationMailSettings): MessageSender | null {
  const { smtpUrl, resendApiKey, mailFrom: from } = settings;
  if (from === undefined) return null;
  const outgoing = createOutgoing();
  if (resendApiKey !== undefined) return createResendSender({ apiKey: resendApiKey, from }, outgoing.fetch);
  if (smtpUrl === undefined) return null;
  const url = new URL(smtpUrl);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const isSecure = url.protocol === "smtps:";
  return createSmtpSender(
    {
      host,
      port: url.port === "" ? (isSecure ? SUBMISSIONS_PORT : SUBMISSION_PORT) : Number(url.port),
      security: isSecure ? "tls" : isLoopbackHost(host) ? "none" : "starttls",
      from,
      ...(url.username === ""
        ? {}
        : { user: decodeURIComponent(url.username), password: decodeURIComponent(url.password) }),
    },
    outgoing,
  );
}

/** Who sends text messages as the settings say; null: nobody. */
export function createInstallationTextSender(
  settings: InstallationTextSettings,
  fetch: OutgoingFetch = createOutgoing().fetch,
): MessageSender | null {
  const { twilioAccountSid: accountSid, twilioAuthToken: authToken, twilioFrom: from } = settings;
  if (accountSid === undefined || authToken === undefined || from === undefined) return null;
  return createTwilioSender({ accountSid, authToken, from }, fetch);
}
