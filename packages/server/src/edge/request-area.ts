import type { IncomingMessage } from "node:http";
import type { DomainTarget } from "../domains/domain-router.ts";
import { parseHostAddress, parsePathAddress } from "../functions/function-address.ts";
import { seenPath } from "../kernel/seen-path.ts";
import type { Principal } from "../keys/principal.ts";

/** What a request is for, as far as its address and credential tell; not whether the caller may. */
export interface RequestArea {
  /** Null: no project, none that is there, or the management interface. */
  readonly projectId: string | null;
  /** An address below `/api/` that the platform itself answers. */
  readonly isApi: boolean;
  /** A function's address. */
  readonly isFunction: boolean;
}

export type RequestAreaReader = (req: IncomingMessage) => Promise<RequestArea>;

export interface RequestAreaOptions {
  readonly functionsDomain: string;
  readonly domainTargetOf: (req: IncomingMessage) => DomainTarget | null | Promise<DomainTarget | null>;
  readonly principalOf: (req: IncomingMessage, clientAddress: string) => Principal | null | Promise<Principal | null>;
  readonly resolveKey: (credential: string, clientAddress: string) => Principal | null | Promise<Principal | null>;
  readonly callerOf: (req: IncomingMessage) => { readonly ip: string };
  /** The id of the project of a slug or id. */
  readonly projectIdOf: (ref: string) => string | null | Promise<string | null>;
}

/** Below `/api/`, and for a project's own users or of a function all the same. */
const PROJECTS_IN_API = /^\/api\/(?:v1\/(?:public|custom)\/|realtime$|v1\/projects\/[^/]+\/storage\/upload$)/;
const CUSTOM_FUNCTIONS = /^\/(?:api\/)?v1\/custom\//;
/** Where clients of realtime put a key (`realtime/handshake.ts`). */
const KEY_PROTOCOL = /(?:^|[ ,])aerostack-key\.([^ ,]+)/;
const NAMING_PATHS = [
  /^\/api\/v1\/public\/projects\/([^/]+)\//,
  /^\/api\/v1\/projects\/([^/]+)\/storage\/upload$/,
  /^\/storage\/([^/.]+)/,
] as const;

/** Tells requests to projects from those to the installation. It may ask the database: for requests that are suspect. */
export function createRequestArea(options: RequestAreaOptions): RequestAreaReader {
  /** The project that a path or query names, other than by a function's address. */
  function namedIn(path: string, url: string): string | null {
    for (const pattern of NAMING_PATHS) {
      const found = pattern.exec(path)?.[1];
      if (found !== undefined) return found;
    }
    const mark = url.indexOf("?");
    return path === "/api/realtime" && mark !== -1 ? new URLSearchParams(url.slice(mark + 1)).get("projectId") : null;
  }

  async function byCredential(req: IncomingMessage): Promise<string | null> {
    const { ip } = options.callerOf(req);
    const offered = KEY_PROTOCOL.exec(req.headers["sec-websocket-protocol"] ?? "")?.[1];
    const principal = await (offered === undefined ? options.principalOf(req, ip) : options.resolveKey(offered, ip));
    if (principal?.kind === "project") return principal.projectId;
    const ref = req.headers["x-project-id"];
    return typeof ref === "string" ? await options.projectIdOf(ref) : null;
  }

  return async (req) => {
    const target = await options.domainTargetOf(req);
    if (target !== null) {
      const projectId = target.kind === "nothing" ? null : target.projectId;
      return { projectId, isApi: false, isFunction: target.kind === "function" };
    }
    const url = req.url ?? "/";
    const address = parsePathAddress(url) ?? parseHostAddress(req.headers.host, url, options.functionsDomain);
    if (address !== null) {
      return { projectId: await options.projectIdOf(address.project), isApi: false, isFunction: true };
    }
    const path = seenPath(url);
    const isApi = path.startsWith("/api/");
    if (isApi && !PROJECTS_IN_API.test(path)) return { projectId: null, isApi, isFunction: false };
    const named = namedIn(path, url);
    const projectId = named === null ? await byCredential(req) : await options.projectIdOf(named);
    return { projectId, isApi, isFunction: CUSTOM_FUNCTIONS.test(path) };
  };
}
