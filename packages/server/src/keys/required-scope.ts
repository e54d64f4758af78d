import type { KeyScope, KeyService, Permission } from "@aerostack/contracts";

/** What is known of a route or operation before it is called. */
export interface Callable {
  readonly method: string;
  readonly path: string;
  readonly permission?: Permission | undefined;
  readonly auth?: string;
}

/**
 * The service that an address belongs to, by its first segment behind what all addresses of its kind begin with. An
 * address that is not here needs the scope `admin`, which only keys without limits have: what is forgotten is closed.
 */
const SERVICE_OF_SEGMENT: Readonly<Record<string, KeyService>> = {
  // What a project has: /v1/<segment> and /api/v1/projects/:project/<segment>
  db: "db",
  collections: "db",
  cache: "cache",
  kv: "cache",
  queue: "queue",
  queues: "queue",
  jobs: "queue",
  storage: "storage",
  "s3-keys": "storage",
  realtime: "realtime",
  auth: "auth",
  services: "functions",
  functions: "functions",
  crons: "functions",
  secrets: "functions",
  hooks: "functions",
  ai: "ai",
  gateway: "ai",
  logs: "logs",
  keys: "keys",
  audit: "audit",
  settings: "projects",
  domains: "projects",
  firewall: "projects",
  network: "projects",
  cors: "projects",
  members: "account",
  access: "account",
  // What an account has: /api/v1/<segment>
  account: "account",
  organisations: "account",
  invitations: "account",
  notices: "account",
  pictures: "account",
  support: "account",
  projects: "projects",
  admin: "admin",
};
/** Where the first segment does not say it. */
const SERVICE_OF_ADDRESS: readonly (readonly [pattern: RegExp, service: KeyService])[] = [
  [/^\/api\/v1\/cli\/deploy$/, "functions"],
  [/^\/api\/v1\/cli\/(?:projects|project-metadata|validate)$/, "projects"],
  [/^\/api\/v1\/account\/keys(?:\/|$)/, "keys"],
  [/^\/api\/v1\/(?:account|organisations\/:organisation)\/audit(?:\/|$)/, "audit"],
  [/^\/api\/auth\//, "account"],
];
const PREFIXES: readonly RegExp[] = [
  /^\/api\/v1\/projects\/:project\//,
  /^\/api\/v1\/public\/projects\/:project\//,
  /^\/api\/v1\/public\//,
  /^\/api\/v1\//,
  /^\/api\//,
  /^\/v1\//,
];
/** Addresses that a key may always ask: they tell it about itself. */
const WITHOUT_SCOPE = new Set(["/api/v1/cli/validate"]);
/** It names a method in its body, and the method is asked for its scope (`rpc/operations.ts`). */
const ASKED_LATER = new Set(["/internal/hooks/rpc"]);

/** The scope that a key needs to call it; null for an address that asks for none. */
export function requiredScope(callable: Callable): KeyScope | null {
  const { path, permission } = callable;
  if (callable.auth === "none" || WITHOUT_SCOPE.has(path) || ASKED_LATER.has(path)) return null;
  if (callable.auth === "admin") return "admin:write";
  const service = serviceOf(path);
  if (permission === "functions.invoke" && service === "functions") return "functions:invoke";
  return `${service}:${isRead(callable) ? "read" : "write"}`;
}

function serviceOf(path: string): KeyService {
  const special = SERVICE_OF_ADDRESS.find(([pattern]) => pattern.test(path));
  if (special !== undefined) return special[1];
  const prefix = PREFIXES.find((pattern) => pattern.test(path));
  const [segment = ""] = prefix === undefined ? [] : path.replace(prefix, "").split("/");
  return SERVICE_OF_SEGMENT[segment] ?? "admin";
}

/** By the permission, because operations that only read are sent by POST too. */
function isRead({ method, permission }: Callable): boolean {
  return permission === undefined ? method.toLowerCase() === "get" : permission.endsWith(".read");
}
