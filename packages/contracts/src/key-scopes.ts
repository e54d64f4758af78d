import { z } from "zod";

/** What a key's scopes can be about, and what each covers. */
export const KEY_SERVICES = {
  db: "databases and collections",
  cache: "cached values and key-value namespaces",
  queue: "queues and jobs",
  storage: "buckets, objects and S3 credentials",
  realtime: "realtime: reading is subscribing, writing is publishing and rules",
  auth: "a project's end users and the settings of their log-in",
  functions: "functions, their versions, secrets and crons",
  ai: "models, gateways and search",
  logs: "logs",
  projects: "projects themselves, their settings and domains",
  keys: "keys of projects and of the account",
  account: "the account, its organisations and their members",
  audit: "the audit log",
  admin: "what only admins of the installation do",
} as const;

export type KeyService = keyof typeof KEY_SERVICES;
export type ScopeLevel = "read" | "write";
/** What one call needs. Calling a function is a right of its own: it changes nothing that the platform knows of. */
export type KeyScope = `${KeyService}:${ScopeLevel}` | "functions:invoke";

const SERVICE_NAMES = Object.keys(KEY_SERVICES) as readonly KeyService[];

/** Every scope that a call can need. */
export const ALL_KEY_SCOPES: readonly KeyScope[] = [
  ...SERVICE_NAMES.flatMap((service): KeyScope[] => [`${service}:read`, `${service}:write`]),
  "functions:invoke",
];

const FULL_SCOPE = "*";

/** What can be granted: everything, a level of every service, a service, or one scope. */
export const GRANTABLE_SCOPES: readonly string[] = [FULL_SCOPE, "read", "write", ...SERVICE_NAMES, ...ALL_KEY_SCOPES];

/** The scopes that a grant opens. `write` of everything calls functions too; nothing else that is written is read by it. */
export function scopesOfGrant(grant: string): readonly KeyScope[] {
  if (grant === FULL_SCOPE) return ALL_KEY_SCOPES;
  if (grant === "read") return ALL_KEY_SCOPES.filter((scope) => scope.endsWith(":read"));
  if (grant === "write") return ALL_KEY_SCOPES.filter((scope) => !scope.endsWith(":read"));
  return ALL_KEY_SCOPES.filter((scope) => scope === grant || scope.startsWith(`${grant}:`));
}

export const keyScopesSchema = z
  .array(z.enum(GRANTABLE_SCOPES as [string, ...string[]]))
  .min(1)
  .max(GRANTABLE_SCOPES.length)
  .transform((scopes) => [...new Set(scopes)].sort())
  .describe(
    "What the key may do: `*` everything, `read` or `write` in every service, a service such as `db`, or one scope such as `db:read`",
  );
