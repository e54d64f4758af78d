import { AerostackError } from "@aerostack/contracts";
import { z } from "zod";
import { parseInput } from "../kernel/parse-input.ts";
import { parseJson } from "../kernel/parse-json.ts";

/** A mail to the installation, as far as it matters. */
export interface InboundMail {
  readonly from: string;
  readonly fromName: string | null;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  /** With its angle brackets; null where the mail has none that can be used. */
  readonly messageId: string | null;
  /** Written by a program: an answer to it would be read by nobody, or be answered by another program. */
  readonly isAutomatic: boolean;
  readonly attachments: number;
}

const MAX_RECIPIENTS = 100;
const MAX_HEADERS = 500;
const MAX_SUBJECT_CHARACTERS = 200;
const MAX_TEXT_CHARACTERS = 50_000;
const MAX_ADDRESS_CHARACTERS = 254;
/** RFC 5322, 3.6.4, without white space. */
const MESSAGE_ID = /^<[!-;=?-~]{3,300}>$/;
const AUTOMATIC_SENDER = /^(?:mailer-daemon|postmaster|no-?reply|bounces?)(?:[+-][^@]*)?@/i;

const jsonMailSchema = z.object({
  from: z.string().max(1_000),
  to: z.union([z.string().max(1_000), z.array(z.string().max(1_000)).max(MAX_RECIPIENTS)]),
  subject: z.string().max(2_000).default(""),
  text: z.string().optional(),
  html: z.string().optional(),
  messageId: z.string().max(1_000).optional(),
  headers: z.record(z.string(), z.string()).optional(),
});

/**
 * Reads what a mail server hands over: the mail itself (`message/rfc822`), or its parts as JSON.
 *
 * @throws VALIDATION_ERROR · REQUEST_MALFORMED · UNSUPPORTED_MEDIA_TYPE
 */
export async function readInbound(contentType: string, body: Buffer): Promise<InboundMail> {
  const type = contentType.split(";")[0]?.trim().toLowerCase();
  if (type === "message/rfc822") return await readMime(body);
  if (type === "application/json") return readJsonMail(body.toString("utf8"));
  throw new AerostackError("UNSUPPORTED_MEDIA_TYPE", {
    message: "A mail is handed over as 'message/rfc822' or 'application/json'.",
  });
}

async function readMime(body: Buffer): Promise<InboundMail> {
  // The library is loaded by the first mail, not by the start.
  const { default: PostalMime } = await import("postal-mime");
  const mail = await PostalMime.parse(body, { maxNestingDepth: 20, maxHeadersSize: 256 * 1024 }).catch(
    (cause: unknown) => {
      throw new AerostackError("REQUEST_MALFORMED", { message: "This is no mail.", cause });
    },
  );
  const headers = Object.fromEntries(
    mail.headers.slice(0, MAX_HEADERS).map(({ key, value }) => [key.toLowerCase(), value]),
  );
  const recipients = [...(mail.to ?? []), ...(mail.cc ?? [])].flatMap(({ address }) => address ?? []);
  const delivered = [headers["delivered-to"], headers["x-original-to"]].flatMap((value) => value ?? []);
  return normalise({
    from: mail.from?.address ?? "",
    fromName: mail.from?.name ?? null,
    to: [...delivered, ...recipients],
    subject: mail.subject ?? "",
    text: mail.text ?? textOfHtml(mail.html ?? ""),
    messageId: mail.messageId ?? null,
    headers,
    attachments: mail.attachments.length,
  });
}

function readJsonMail(body: string): InboundMail {
  const mail = parseInput(jsonMailSchema, parseJson(body), "body");
  const headers = Object.fromEntries(
    Object.entries(mail.headers ?? {})
      .slice(0, MAX_HEADERS)
      .map(([name, value]) => [name.toLowerCase(), value]),
  );
  const from = splitAddress(mail.from);
  return normalise({
    from: from.address,
    fromName: from.name,
    to: (typeof mail.to === "string" ? [mail.to] : mail.to).map((text) => splitAddress(text).address),
    subject: mail.subject,
    text: mail.text ?? textOfHtml(mail.html ?? ""),
    messageId: mail.messageId ?? headers["message-id"] ?? null,
    headers,
    attachments: 0,
  });
}

function normalise(mail: {
  readonly from: string;
  readonly fromName: string | null;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly messageId: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly attachments: number;
}): InboundMail {
  const from = mail.from.trim().toLowerCase();
  if (from.length > MAX_ADDRESS_CHARACTERS || !z.email().safeParse(from).success) {
    throw new AerostackError("VALIDATION_ERROR", { message: "The mail has no sender that could be answered." });
  }
  const name = oneLine(mail.fromName ?? "").slice(0, 100);
  const messageId = mail.messageId?.trim() ?? "";
  return {
    from,
    fromName: name === "" ? null : name,
    to: mail.to.slice(0, MAX_RECIPIENTS).map((address) => address.trim()),
    subject: oneLine(mail.subject).slice(0, MAX_SUBJECT_CHARACTERS) || "(no subject)",
    text: plainText(mail.text),
    messageId: MESSAGE_ID.test(messageId) ? messageId : null,
    isAutomatic: isAutomatic(from, mail.headers),
    attachments: mail.attachments,
  };
}

/** RFC 3834, section 2: what no program may answer. */
function isAutomatic(from: string, headers: Readonly<Record<string, string>>): boolean {
  const submitted = headers["auto-submitted"]?.trim().toLowerCase();
  return (
    (submitted !== undefined && submitted !== "no") ||
    /^(?:bulk|list|junk)$/i.test(headers.precedence?.trim() ?? "") ||
    headers["list-id"] !== undefined ||
    headers["return-path"]?.trim() === "<>" ||
    AUTOMATIC_SENDER.test(from)
  );
}

/** `Name <address>` or the address alone. */
function splitAddress(text: string): { readonly name: string | null; readonly address: string } {
  const open = text.lastIndexOf("<");
  const close = text.indexOf(">", open);
  if (open === -1 || close === -1) return { name: null, address: text.trim() };
  const name = text.slice(0, open).trim().replace(/^"|"$/g, "");
  return { name: name === "" ? null : name, address: text.slice(open + 1, close).trim() };
}

function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must go
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]+/g, " ").trim();
}

function plainText(text: string): string {
  const plain = text
    .replace(/\r\n?/g, "\n")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must go
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "")
    .toWellFormed()
    .trim();
  if (plain === "") return "(no text)";
  return plain.length <= MAX_TEXT_CHARACTERS
    ? plain
    : `${plain.slice(0, MAX_TEXT_CHARACTERS)}\n\n(${plain.length - MAX_TEXT_CHARACTERS} more characters were left out)`;
}

/** What a mail says that comes as HTML alone. It is shown as text, so what is left of tags does nothing. */
function textOfHtml(html: string): string {
  return html
    .slice(0, 4 * MAX_TEXT_CHARACTERS)
    .replace(/<(style|script|head)\b[^>]*>[\s\S]*?<\/\1>/gi, " ")
    .replace(/<(?:br|\/p|\/div|\/tr|\/li|\/h[1-6])\b[^>]*>/gi, "\n")
    .replace(/<[^>]{0,2000}>/g, "")
    .replace(/&nbsp;/g, " ")
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&#39;/g, "'")
    .replace(/&amp;/g, "&")
    .replace(/[ \t]+/g, " ")
    .replace(/\n\s+/g, "\n");
}
