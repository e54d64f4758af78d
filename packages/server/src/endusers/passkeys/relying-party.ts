import { AerostackError, type EndUserSettings } from "@aerostack/contracts";
import type { RelyingParty } from "../../identity/passkeys/passkeys.ts";

/** Where a project's passkeys may be used. @throws AUTH_METHOD_DISABLED when they are off, or the project has no site */
export function relyingPartyOf({ passkeys, urls }: EndUserSettings): RelyingParty {
  const site = urls.site === null ? null : new URL(urls.site);
  const id = passkeys.rpId ?? (site?.hostname || null);
  const origins = passkeys.origins.length > 0 ? passkeys.origins : site === null ? [] : [site.origin];
  if (passkeys.enabled && id !== null && origins.length > 0) return { id, origins };
  throw new AerostackError("AUTH_METHOD_DISABLED", {
    message: passkeys.enabled
      ? "The project has not said where its passkeys are used."
      : "The project does not offer passkeys.",
    fix: "Set urls.site, or passkeys.rpId and passkeys.origins, in the project's end-user settings.",
  });
}
