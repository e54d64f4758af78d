import { AerostackError } from "@aerostack/contracts";
import type { Principal } from "../keys/principal.ts";
import type { RouteAuth } from "./define-route.ts";

/**
 * Lets a principal pass to a route or says why not.
 *
 * @throws AUTH_INVALID_KEY when there is no valid credential · FORBIDDEN when it is of the wrong kind.
 */
export function authorise(auth: RouteAuth, principal: Principal | null, credentialSent: boolean): void {
  if (auth === "none") return;
  if (principal === null) {
    throw new AerostackError(
      "AUTH_INVALID_KEY",
      credentialSent ? {} : { message: "This address needs a credential, and none was sent." },
    );
  }
  if (auth === "key" && principal.via !== "key") throw wrongKind("an API key, not a session");
  if (auth === "management" && principal.kind === "project" && principal.access !== "secret") {
    throw wrongKind("an account key or a secret project key, not a public one");
  }
  if ((auth === "account" || auth === "admin") && principal.kind !== "account") {
    throw wrongKind("an account key (ak_…) or a log-in, not a project's key");
  }
  if (auth === "admin" && principal.kind === "account" && !principal.isAdmin) {
    throw wrongKind("an account with the admin right");
  }
}

function wrongKind(needed: string): AerostackError {
  return new AerostackError("FORBIDDEN", { message: `This address needs ${needed}.` });
}
