import { isIP } from "node:net";
import { domainToASCII, domainToUnicode } from "node:url";
import { AerostackError } from "@aerostack/contracts";

/** RFC 1035, 2.3.4: of a whole name in text form. */
const MAX_HOSTNAME_CHARACTERS = 253;
const HOSTNAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** What a URL parser would give a meaning of its own. */
const NOT_OF_A_NAME = /[\s/\\?#@:%[\]*"<>^|`{}]/;
/** Names that no public DNS answers for (RFC 6761, RFC 6762, RFC 9476, RFC 8375). */
const LOCAL_SUFFIXES = ["localhost", "local", "internal", "onion", "alt", "home.arpa", "in-addr.arpa", "ip6.arpa"];

/**
 * The one spelling under which a domain is stored and looked up: ASCII (IDNA), lower case, no final dot.
 *
 * @throws VALIDATION_ERROR for anything that is no full domain name, wildcards and addresses among it
 */
export function normaliseHostname(text: string): string {
  if (text.startsWith("*.")) {
    throw refusal(
      "Wildcards are not taken: each name is proven and gets a certificate by itself.",
      "Add every name that you use.",
    );
  }
  const bare = text.endsWith(".") ? text.slice(0, -1) : text;
  if (bare.length > MAX_HOSTNAME_CHARACTERS || NOT_OF_A_NAME.test(bare)) throw notAName();
  const ascii = domainToASCII(bare);
  if (ascii.length > MAX_HOSTNAME_CHARACTERS || !HOSTNAME.test(ascii) || isAddress(ascii) || !isIdna(ascii))
    throw notAName();
  if (LOCAL_SUFFIXES.some((suffix) => isBelow(ascii, suffix))) {
    throw refusal("This name exists on local networks only.", "Use a domain of the public DNS.");
  }
  return ascii;
}

/**
 * The hostname that a request names: without port and final dot, in lower case. Null where there is none or where it is
 * no plain name, such as an address. Clients send international names in ASCII already.
 */
export function hostnameOfRequest(host: string | undefined): string | null {
  if (host === undefined || host === "" || host.length > MAX_HOSTNAME_CHARACTERS + ":65535".length + 1) return null;
  const colon = host.lastIndexOf(":");
  let end = colon === -1 ? host.length : colon;
  if (colon !== -1 && !/^\d{1,5}$/.test(host.slice(colon + 1))) return null;
  if (host[end - 1] === ".") end--;
  const name = host.slice(0, end).toLowerCase();
  return HOSTNAME.test(name) ? name : null;
}

/** True for the domain itself and every name below it. */
export function isBelow(hostname: string, domain: string): boolean {
  return hostname === domain || hostname.endsWith(`.${domain}`);
}

/** A last label of digits is an address, or about to be taken for one. */
function isAddress(ascii: string): boolean {
  return isIP(ascii) !== 0 || /^(?:\d+|0x[\da-f]*)$/.test(ascii.slice(ascii.lastIndexOf(".") + 1));
}

/** Labels in punycode are what the encoding makes of them, and nothing else. */
function isIdna(ascii: string): boolean {
  if (!/(?:^|\.)xn--/.test(ascii)) return true;
  const unicode = domainToUnicode(ascii);
  return !/(?:^|\.)xn--/.test(unicode) && !/\p{Cc}/u.test(unicode) && domainToASCII(unicode) === ascii;
}

function notAName(): AerostackError {
  return refusal("This is not a full domain name.", "Send the name alone, such as shop.example.com.");
}

function refusal(message: string, fix: string): AerostackError {
  return new AerostackError("VALIDATION_ERROR", { message, fix, details: { fieldErrors: { hostname: [message] } } });
}
