import type { EndUser, EndUserAuthResponse } from "@aerostack/contracts";
import { toIso, toIsoOrNull } from "../kernel/page.ts";
import type { OpenedEndUserSession } from "./sessions/sessions.ts";
import type { EndUserRow } from "./users/store.ts";

/** A user as interfaces show them: every field in both spellings that the public clients read. */
export function showEndUser(row: EndUserRow): EndUser {
  const createdAt = toIso(row.created_at);
  const updatedAt = toIso(row.updated_at);
  const customFields: EndUser["customFields"] = JSON.parse(row.custom_fields);
  return {
    id: row.id,
    email: row.email ?? placeholderEmail(row.id),
    name: row.name,
    phone: row.phone,
    avatarUrl: row.avatar_url,
    avatar_url: row.avatar_url,
    emailVerified: row.email_verified_at !== null,
    email_verified_at: toIsoOrNull(row.email_verified_at),
    phoneVerified: row.phone_verified_at !== null,
    isAnonymous: row.is_anonymous === 1,
    customFields,
    profile_extras: customFields,
    metadata: JSON.parse(row.metadata),
    createdAt,
    created_at: createdAt,
    updatedAt,
    updated_at: updatedAt,
  };
}

/** Some clients refuse a user without an address; `.invalid` belongs to nobody (RFC 2606). */
function placeholderEmail(userId: string): string {
  return `${userId}@users.invalid`;
}

export function showSignedIn({ token, refreshToken, expiresAtMs, user }: OpenedEndUserSession): EndUserAuthResponse {
  return {
    success: true,
    token,
    accessToken: token,
    refreshToken,
    expiresAt: toIso(expiresAtMs),
    user: showEndUser(user),
  };
}
