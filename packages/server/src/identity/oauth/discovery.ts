import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { AuthorizationServer } from "oauth4webapi";
import type { OutgoingFetch } from "../../kernel/outgoing.ts";
import { loadOauth, requestOptions } from "./oauth-library.ts";
import type { Discover } from "./oidc-connection.ts";

const KEPT_MS = 60 * 60_000;
const MAX_KEPT = 500;

/** Reads what providers publish about themselves, and remembers it for an hour. */
export function createDiscovery({ clock, fetch }: { readonly clock: Clock; readonly fetch: OutgoingFetch }): Discover {
  const found = new Map<string, { readonly server: AuthorizationServer; readonly untilMs: number }>();

  return async (issuer) => {
    const known = found.get(issuer);
    if (known !== undefined && known.untilMs > clock.now()) return known.server;
    const oauth = await loadOauth();
    try {
      const url = new URL(issuer);
      const response = await oauth.discoveryRequest(url, {
        ...requestOptions<"GET">(oauth, fetch, issuer),
        algorithm: "oidc",
      });
      const server = await oauth.processDiscoveryResponse(url, response);
      if (found.size >= MAX_KEPT) found.clear();
      found.set(issuer, { server, untilMs: clock.now() + KEPT_MS });
      return server;
    } catch (cause) {
      throw new AerostackError("AUTH_PROVIDER_FAILED", {
        message: "The provider does not say where to log in.",
        fix: "Check that its issuer is right and that <issuer>/.well-known/openid-configuration answers.",
        cause,
      });
    }
  };
}
