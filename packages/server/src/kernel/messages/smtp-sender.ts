import type { SentMessageInfo } from "nodemailer";
import type { Outgoing } from "../outgoing.ts";
import { DeliveryError, type MessageSender } from "./message.ts";

export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  /** `tls` from the first byte · `starttls` or nothing is sent · `none` for a relay on the same machine. */
  readonly security: "tls" | "starttls" | "none";
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** Such as `Shop <no-reply@shop.example>`. */
  readonly from: string;
}

const ANSWER_TIMEOUT_MS = 15_000;
const FIRST_PERMANENT_REPLY = 500;

/** Sends over SMTP (RFC 5321), a connection for each message. */
export function createSmtpSender(settings: SmtpSettings, outgoing: Outgoing): MessageSender {
  const { host, port, security, user, password, from } = settings;
  return {
    name: host,
    async send(message, id) {
      // The library is loaded by the first message, not by the start.
      const { createTransport } = await import("nodemailer");
      const transport = createTransport({
        host,
        port,
        secure: security === "tls",
        requireTLS: security === "starttls",
        ignoreTLS: security === "none",
        ...(user === undefined ? {} : { auth: { user, pass: password ?? "" } }),
        greetingTimeout: ANSWER_TIMEOUT_MS,
        socketTimeout: ANSWER_TIMEOUT_MS,
        // Nothing of a message is ever read from a file or an address that its text names.
        disableFileAccess: true,
        disableUrlAccess: true,
        getSocket: (_options: unknown, done: (error: Error | null, socket?: { connection: unknown }) => void) => {
          outgoing.connect(host, port).then((connection) => done(null, { connection }), done);
        },
      } as Parameters<typeof createTransport>[0]);
      try {
        const { to, subject, text, html, replyTo, inReplyTo } = message;
        const sent: SentMessageInfo = await transport.sendMail({
          from,
          to: { name: "", address: to },
          subject,
          text,
          ...(html === undefined ? {} : { html }),
          ...(replyTo === undefined ? {} : { replyTo: { name: "", address: replyTo } }),
          ...(inReplyTo === undefined ? {} : { inReplyTo, references: inReplyTo }),
          // The same over repeats, so that a receiver that had it already can tell.
          messageId: `<${id}@${domainOf(from)}>`,
          headers: { "auto-submitted": "auto-generated" },
        });
        if ((sent.rejected?.length ?? 0) > 0) throw new DeliveryError(`${host} refused the address.`, false);
      } catch (error) {
        throw error instanceof DeliveryError ? error : deliveryError(host, error);
      } finally {
        transport.close();
      }
    },
  };
}

function domainOf(from: string): string {
  return /@([^\s>]+)/.exec(from)?.[1] ?? "localhost";
}

function deliveryError(host: string, error: unknown): DeliveryError {
  const { responseCode, response, code } = error as { responseCode?: number; response?: string; code?: string };
  if (code === "EAUTH") return new DeliveryError(`${host} refused the user name or password.`, false, error);
  if (responseCode !== undefined && responseCode >= FIRST_PERMANENT_REPLY) {
    return new DeliveryError(`${host} refused the message: ${response ?? responseCode}`, false, error);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new DeliveryError(`${host} did not take the message: ${reason}`, true, error);
}
