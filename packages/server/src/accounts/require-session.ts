import { AerostackError } from "@aerostack/contracts";
import type { AccountIdentity } from "../keys/principal.ts";

/** How somebody logs in is up to the person, not to a program that holds a key of theirs. @throws FORBIDDEN */
export function requireSession(via: AccountIdentity["via"], whatIsDone: string): void {
  if (via === "session") return;
  throw new AerostackError("FORBIDDEN", {
    message: `${whatIsDone} by a person who is logged in, not by a key.`,
    fix: "Log in and send the session's access token.",
  });
}
