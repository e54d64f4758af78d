import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { DataCall } from "../../edge/define-operation.ts";
import { tokenRefusal } from "../../endusers/sessions/token-refusal.ts";
import type { RuleUser } from "../rules/rule.ts";

/** Who asks for items: somebody to whom no rule applies, or a user, or nobody known. */
export interface ItemCaller {
  /** A secret key, or the project's owner. */
  readonly isTrusted: boolean;
  readonly user: RuleUser | null;
}

/** A user as the token says; null when the token is not valid. */
export type VerifyUser = (projectId: string, token: string) => VerifiedUser | null | Promise<VerifiedUser | null>;

export interface VerifiedUser {
  readonly userId: string;
  readonly email: string | null;
  readonly emailVerified?: boolean;
  readonly name?: string | null;
  readonly isAnonymous?: boolean;
  /** All that the token says, the project's own claims among it. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** What rules see of a user. The platform's own facts stand above claims of the same name. */
export function toRuleUser(user: VerifiedUser): RuleUser {
  return {
    ...user.claims,
    claims: user.claims,
    id: user.userId,
    email: user.email,
    email_verified: user.emailVerified ?? false,
    name: user.name ?? null,
    is_anonymous: user.isAnonymous ?? false,
  };
}

const BEARER = /^bearer +(\S+)$/i;

function single(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  return text?.trim() === "" ? undefined : text;
}

/** Reads who calls: the project comes by its key or X-Project-Id, the user by `Authorization: Bearer <access token>`. */
export function createCallerReader(verifyUser: VerifyUser, clock: Clock) {
  return async (call: DataCall<"project">): Promise<ItemCaller> => {
    const { principal, req, projectId } = call;
    const { headers } = req;
    const keySent = single(headers["x-aerostack-key"]) ?? single(headers["x-api-key"]) ?? queryKeyOf(req.url);
    // A wrong key is not taken for no key: somebody believes to have more rights than a stranger.
    if (principal === null && keySent !== undefined) throw new AerostackError("AUTH_INVALID_KEY");
    const isTrusted = principal !== null && (principal.kind === "account" || principal.access === "secret");
    const bearer = BEARER.exec(single(headers.authorization) ?? "")?.[1];
    const isUserToken = bearer !== undefined && (principal === null || keySent !== undefined);
    if (!isUserToken) return { isTrusted, user: null };
    const user = await verifyUser(projectId, bearer);
    if (user === null) throw tokenRefusal(bearer, clock.now());
    return { isTrusted, user: toRuleUser(user) };
  };
}

function queryKeyOf(url: string | undefined): string | undefined {
  if (url === undefined || !url.includes("apiKey=")) return undefined;
  return new URL(url, "http://localhost").searchParams.get("apiKey") ?? undefined;
}
