import { AerostackError } from "@aerostack/contracts";

/** An organisation as other capabilities need it. */
export interface OrganisationRecord {
  readonly id: string;
  readonly name: string;
  /** The account that it is the personal organisation of. */
  readonly personalAccountId: string | null;
  /** Of its logo; null: it has none. */
  readonly pictureId: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What a request for an organisation is answered that does not exist, or not for this principal. */
export function organisationNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", {
    message: "There is no such organisation.",
    fix: "Check the id, and that the credential belongs to a member.",
  });
}

export function memberNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "The organisation has no such member." });
}
