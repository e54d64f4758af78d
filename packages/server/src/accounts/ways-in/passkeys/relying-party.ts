import { isIP } from "node:net";
import { AerostackError } from "@aerostack/contracts";
import type { RelyingParty } from "../../../identity/passkeys/passkeys.ts";
import { isLoopbackHost } from "../../../kernel/config.ts";

/**
 * The site that accounts' passkeys belong to. Browsers know no passkeys of IP addresses (WebAuthn Level 3, section 5.1.3),
 * so a server on this machine's own address has those of `localhost`.
 *
 * @throws AUTH_METHOD_DISABLED when the server is reached by an IP address
 */
export function relyingPartyOf(origin: string): RelyingParty {
  const url = new URL(origin);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 0) return { id: host, origins: [origin] };
  if (isLoopbackHost(host)) {
    url.hostname = "localhost";
    return { id: "localhost", origins: [url.origin] };
  }
  throw new AerostackError("AUTH_METHOD_DISABLED", {
    message: "There are no passkeys where a server is reached by an IP address.",
    fix: "Ask its operator to give it a host name (AEROSTACK_PUBLIC_URL).",
  });
}
