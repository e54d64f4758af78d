import { AerostackError } from "@aerostack/contracts";

/** Whether the installation takes new accounts. @throws FORBIDDEN */
export function requireOpenSignUp(signUp: "open" | "closed"): void {
  if (signUp === "open") return;
  throw new AerostackError("FORBIDDEN", {
    message: "This installation does not take new accounts.",
    fix: "Ask its operator for one.",
  });
}

/** Of whoever is refused here, nothing may be kept. @throws FORBIDDEN */
export function requireAge(ageConfirmed: boolean): void {
  if (ageConfirmed) return;
  throw new AerostackError("FORBIDDEN", {
    message: "Accounts are for people of 16 years or older.",
    fix: "Nothing of what was entered has been kept.",
  });
}
