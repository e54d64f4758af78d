import { createUuid } from "@aerostack/kernel";
import type { EndUserRow } from "./store.ts";

/** A user's row with nothing known but what is given. */
export function newEndUser(projectId: string, nowMs: number, known: Partial<EndUserRow>): EndUserRow {
  return {
    id: createUuid(nowMs),
    project_id: projectId,
    email: null,
    email_verified_at: null,
    phone: null,
    phone_verified_at: null,
    name: null,
    password_hash: null,
    avatar_url: null,
    custom_fields: "{}",
    metadata: "{}",
    is_anonymous: 0,
    blocked_at: null,
    created_at: nowMs,
    updated_at: nowMs,
    last_sign_in_at: null,
    ...known,
  };
}
