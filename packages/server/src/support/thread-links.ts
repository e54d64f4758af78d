import { createHmac, timingSafeEqual } from "node:crypto";

/**
 * What opens a conversation to the person who began it, made of its id and a key of the installation: nothing of it is
 * stored, and every mail can carry it anew.
 */
export interface ThreadLinks {
  /** Reads and writes the conversation: it is mailed to the person and to nobody else. */
  tokenOf(conversationId: string): string;
  conversationOfToken(token: string): string | null;
  /** A mail to it is added to the conversation; it reads nothing, since mail is forwarded with it. Null: mail is not taken in. */
  replyAddressOf(conversationId: string): string | null;
  conversationOfAddress(address: string): string | null;
}

const TOKEN_PREFIX = "sup_";
const ID_PREFIX = "cnv_";
/** Mail programs turn local parts to lower case: ids and what is added to them have no upper case. 120 bits. */
const MAC_CHARACTERS = 24;
const SIGNED = new RegExp(`^([0-9a-z]{10,40})\\.([0-9a-v]{${MAC_CHARACTERS}})$`);
const BASE32 = "0123456789abcdefghijklmnopqrstuv";

/** @param mailbox the address that people write to, such as `support@example.com` */
export function createThreadLinks(key: Uint8Array, mailbox: string | undefined): ThreadLinks {
  function macOf(purpose: "read" | "reply", conversationId: string): string {
    const digest = createHmac("sha256", key).update(`${purpose}/${conversationId}`).digest();
    return Array.from({ length: MAC_CHARACTERS }, (_, index) => BASE32.charAt((digest[index] ?? 0) & 31)).join("");
  }

  const sign = (purpose: "read" | "reply", id: string): string => `${id.slice(ID_PREFIX.length)}.${macOf(purpose, id)}`;

  function verify(purpose: "read" | "reply", text: string): string | null {
    const [, body, mac] = SIGNED.exec(text) ?? [];
    if (body === undefined || mac === undefined) return null;
    const id = `${ID_PREFIX}${body}`;
    return timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(purpose, id))) ? id : null;
  }

  const at = mailbox?.lastIndexOf("@") ?? -1;
  const [local, domain] = [mailbox?.slice(0, at), mailbox?.slice(at + 1)];

  return {
    tokenOf: (id) => `${TOKEN_PREFIX}${sign("read", id)}`,
    conversationOfToken: (token) =>
      token.startsWith(TOKEN_PREFIX) ? verify("read", token.slice(TOKEN_PREFIX.length)) : null,
    replyAddressOf: (id) => (mailbox === undefined ? null : `${local}+${sign("reply", id)}@${domain}`),
    conversationOfAddress(address) {
      const lower = address.toLowerCase();
      const start = `${local}+`.toLowerCase();
      const end = `@${domain}`.toLowerCase();
      if (mailbox === undefined || !lower.startsWith(start) || !lower.endsWith(end)) return null;
      return verify("reply", lower.slice(start.length, -end.length));
    },
  };
}
