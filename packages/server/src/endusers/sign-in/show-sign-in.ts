import type { EndUserAuthResponse } from "@aerostack/contracts";
import { showSignedIn } from "../show-user.ts";
import type { SignInResult } from "./sign-in.ts";

/** The answer of whatever may log somebody in. */
export function showSignIn(result: SignInResult): EndUserAuthResponse {
  switch (result.kind) {
    case "signed-in":
      return showSignedIn(result.session);
    case "verification-required":
      return { success: true, requiresVerification: true, message: "Open the link that was sent to this address." };
    case "mfa-required":
      return {
        success: true,
        mfaRequired: true,
        mfaToken: result.mfaToken,
        message: "Send a code of the authenticator with mfaToken to /mfa/verify.",
      };
    default:
      return result satisfies never;
  }
}
