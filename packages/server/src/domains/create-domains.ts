import type { Clock } from "@aerostack/kernel";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import type { Logger } from "../kernel/log.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { DomainCertificates } from "./certificates.ts";
import { createDomainRouter } from "./domain-router.ts";
import { createDomainRoutes } from "./routes.ts";
import { createDomainService, type DomainServiceOptions } from "./service.ts";
import { createTxtProof, type ResolveTxt } from "./txt-proof.ts";

export interface DomainsOptions extends Pick<DomainServiceOptions, "onTrouble"> {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly log: Logger;
  readonly resolveTxt: ResolveTxt;
  readonly certificates: DomainCertificates | null;
  /** Where clients reach the installation: nobody else's. */
  readonly origin: string;
  readonly functionsDomain: string;
}

/** Domains of projects' own: claiming and proving them, and where their requests go. */
export function createDomains(options: DomainsOptions) {
  const ownDomains = [new URL(options.origin).hostname, options.functionsDomain];
  const service = createDomainService({
    ...options,
    ownDomains,
    proof: createTxtProof(options.resolveTxt),
  });
  return {
    service,
    router: createDomainRouter({ ...options, ownDomains }),
    routes: createDomainRoutes({ domains: service }),
  };
}

export type Domains = ReturnType<typeof createDomains>;
