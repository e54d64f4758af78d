import { createId } from "@aerostack/kernel";
import type { AccountRow } from "./store.ts";

export interface NewAccountFacts {
  /** Normalised. */
  readonly email: string;
  readonly name: string | null;
  readonly passwordHash: string;
  readonly isAdmin: boolean;
  /** Somebody proved already to read the mail of the address. */
  readonly isEmailVerified: boolean;
}

/** An account as it begins. */
export function newAccountRow(facts: NewAccountFacts, nowMs: number): AccountRow {
  return {
    id: createId("usr", nowMs),
    email: facts.email,
    name: facts.name,
    password_hash: facts.passwordHash,
    is_admin: facts.isAdmin ? 1 : 0,
    time_zone: null,
    locale: null,
    picture_id: null,
    picture_blob: null,
    closed_at: null,
    email_verified_at: facts.isEmailVerified ? nowMs : null,
    created_at: nowMs,
    updated_at: nowMs,
  };
}
