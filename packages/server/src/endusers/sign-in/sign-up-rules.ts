import { AerostackError, type EndUserSettings } from "@aerostack/contracts";

/** @throws FORBIDDEN where only the project itself makes users */
export function requireOpenSignUp({ signUp }: EndUserSettings): void {
  if (signUp === "open") return;
  throw new AerostackError("FORBIDDEN", {
    message: "This application does not take new users.",
    fix: "Ask the people behind it for an invitation.",
  });
}

/** @throws FORBIDDEN for who says to be under 16 · VALIDATION_ERROR where the project wants to be told and is not */
export function requireAge(confirmed: boolean | undefined, { requireAgeConfirmation }: EndUserSettings): void {
  if (confirmed === false) {
    throw new AerostackError("FORBIDDEN", {
      message: "This application is for people of 16 years or older.",
      fix: "Nothing of what was entered has been kept.",
    });
  }
  if (requireAgeConfirmation && confirmed !== true) {
    throw new AerostackError("VALIDATION_ERROR", {
      message: "Say that you are 16 or older.",
      details: { fieldErrors: { ageConfirmed: ["must be true"] } },
    });
  }
}
