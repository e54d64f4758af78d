import { emailSchema } from "@aerostack/contracts";
import { z } from "zod";
import type { ProviderProfile } from "../../../identity/oauth/provider-connection.ts";
import { hashToken } from "../../../kernel/crypto/token-hash.ts";
import { toStorableText } from "../../../kernel/sql/index.ts";

const MAX_NAME_CHARACTERS = 100;

/** What of a provider's answer is used: which identity it is, and name and address. No token of the provider. */
export const provenProfileSchema = z.object({
  provider: z.string(),
  /** SHA-256 of issuer and subject: the same subject of another issuer is somebody else. */
  subjectHash: z.string(),
  email: z.string().nullable(),
  isEmailVerified: z.boolean(),
  name: z.string().nullable(),
});
export type ProvenProfile = z.infer<typeof provenProfileSchema>;

export function provenProfileOf(provider: string, profile: ProviderProfile): ProvenProfile {
  const { issuer, subject, isEmailVerified } = profile;
  const email = emailSchema.safeParse(profile.email);
  return {
    provider,
    subjectHash: hashToken(JSON.stringify([issuer, subject])),
    email: email.success ? email.data : null,
    isEmailVerified: email.success && isEmailVerified,
    name: usableName(profile.name),
  };
}

function usableName(name: string | null): string | null {
  const clean = toStorableText(name ?? "")
    .replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, "")
    .trim();
  return clean === "" ? null : clean.slice(0, MAX_NAME_CHARACTERS);
}
