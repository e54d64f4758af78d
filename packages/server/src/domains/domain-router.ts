import type { DomainRoute, FunctionEnvironment } from "@aerostack/contracts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import { createKeyedSnapshot } from "../kernel/change-feed/keyed-snapshot.ts";
import { seenPath } from "../kernel/seen-path.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { hostnameOfRequest, isBelow } from "./hostname.ts";
import { subjectOfDomain } from "./service.ts";
import { type DomainRow, domainStore } from "./store.ts";
import type { DomainTables } from "./tables.ts";

/** Where a request to a custom domain goes. */
export type DomainTarget =
  | {
      readonly kind: "function";
      readonly projectId: string;
      readonly functionName: string;
      readonly environment: FunctionEnvironment;
    }
  /** `/v1/` of a domain whose project wants its API there. */
  | { readonly kind: "api"; readonly projectId: string }
  /** The domain is served, and no route fits. */
  | { readonly kind: "nothing" };

/** Says at once, and without the database, which requests are for custom domains. */
export interface DomainRouter {
  /** Null: the host is no custom domain. `url` is the path with its query. */
  route(host: string | undefined, url: string): DomainTarget | null | Promise<DomainTarget | null>;
  /** Whether a name is proven and served: the question before a certificate is made or shown. */
  isServed(hostname: string): boolean | Promise<boolean>;
}

interface ServedDomain {
  readonly projectId: string;
  readonly servesApi: boolean;
  /** The longest first. */
  readonly routes: readonly DomainRoute[];
}

export interface DomainRouterOptions {
  readonly sql: Sql<unknown>;
  readonly changes: ChangeFeed;
  /** Names that are never custom domains: no look-up for them. */
  readonly ownDomains: readonly string[];
}

const API_PREFIX = "/v1/";

export function createDomainRouter(options: DomainRouterOptions): DomainRouter {
  const sql = options.sql.withTables<DomainTables>();
  const served = createKeyedSnapshot<ServedDomain>({
    changes: options.changes,
    subjectPrefix: subjectOfDomain(""),
    async load(hostnames) {
      const rows = await domainStore.listServed(sql.db, hostnames);
      return new Map(rows.map((row) => [row.hostname, servedDomain(row)]));
    },
  });

  function find(hostname: string): ServedDomain | null | Promise<ServedDomain | null> {
    if (options.ownDomains.some((domain) => isBelow(hostname, domain))) return null;
    return served.find(hostname);
  }

  return {
    route(host, url) {
      const hostname = hostnameOfRequest(host);
      if (hostname === null) return null;
      const found = find(hostname);
      if (found instanceof Promise) return found.then((domain) => domain && targetOf(domain, url));
      return found && targetOf(found, url);
    },
    isServed(hostname) {
      const found = find(hostname);
      return found instanceof Promise ? found.then((domain) => domain !== null) : found !== null;
    },
  };
}

function servedDomain(row: DomainRow): ServedDomain {
  const routes = JSON.parse(row.routes) as DomainRoute[];
  return {
    projectId: row.project_id,
    servesApi: row.serves_api === 1,
    routes: routes.toSorted((a, b) => b.path.length - a.path.length),
  };
}

function targetOf({ projectId, servesApi, routes }: ServedDomain, url: string): DomainTarget {
  const path = seenPath(url);
  if (servesApi && path.startsWith(API_PREFIX)) return { kind: "api", projectId };
  const route = routes.find((one) => one.path === "/" || path === one.path || path.startsWith(`${one.path}/`));
  if (route === undefined) return { kind: "nothing" };
  return { kind: "function", projectId, functionName: route.function, environment: route.environment };
}
