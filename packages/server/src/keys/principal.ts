import type { Actor } from "../kernel/call-context.ts";
import type { AccountAccess } from "../teams/permissions.ts";
import type { KeyLimits } from "./key-limits.ts";

/** Who calls: an account (by key or session), or one project (by one of its keys, or a function of it). */
export type Principal = AccountPrincipal | ProjectPrincipal;

/** An account as its credential says it. */
export interface AccountIdentity {
  readonly kind: "account";
  readonly accountId: string;
  readonly isAdmin: boolean;
  /** A key lasts until it is revoked; a session is a person at a browser or terminal. */
  readonly via: "key" | "session";
  /** Id of the key or session. */
  readonly credentialId: string;
  /** What the key is narrowed down to; sessions and keys without limits have none. */
  readonly limits?: KeyLimits | null;
}

export interface AccountPrincipal extends AccountIdentity {
  /** What it may do in its organisations: read with the credential, forgotten when a membership or role changes. */
  readonly access: AccountAccess;
}

export interface ProjectPrincipal {
  readonly kind: "project";
  readonly projectId: string;
  readonly projectSlug: string;
  readonly ownerId: string;
  /** Public keys are meant for browsers and apps; secret keys may do everything within the project. */
  readonly access: "public" | "secret";
  /** `function`: by the token of a call that a function of the project serves. */
  readonly via: "key" | "function";
  /** Id of the key, or `function`. */
  readonly credentialId: string;
  readonly limits?: KeyLimits | null;
}

/** A principal whose credential is a key, not a session. */
export type KeyPrincipal = (ProjectPrincipal | AccountPrincipal) & { readonly via: "key" };

/** A credential that was found, with what makes it end. */
export interface ResolvedCredential<Found = AccountIdentity | ProjectPrincipal> {
  readonly principal: Found;
  readonly expiresAtMs: number | null;
  /** What a change is announced for: `key:…`, `session:…`, `account:…`, `project:…`, `organisation:…`. */
  readonly subjects: readonly string[];
}

/** The principal as the audit log names it. */
export function actorOf(principal: Principal): Actor {
  const { credentialId } = principal;
  if (principal.kind === "account") return { kind: "account", id: principal.accountId, credentialId };
  if (principal.via === "function") return { kind: "function", id: principal.projectId };
  return { kind: "project_key", id: credentialId, credentialId };
}
