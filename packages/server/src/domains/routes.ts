import {
  addDomainRequestSchema,
  changeDomainRequestSchema,
  type Domain,
  domainParamsSchema,
  domainResponseSchema,
  listDomainsResponseSchema,
  pageQuerySchema,
  projectParamsSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toIso, toIsoOrNull } from "../kernel/page.ts";
import type { DomainCertificate } from "./certificates.ts";
import type { DomainService } from "./service.ts";
import type { DomainRow } from "./store.ts";
import { proofRecord } from "./txt-proof.ts";

export interface DomainRoutesOptions {
  readonly domains: DomainService;
}

const TAG = "Custom domains";
const LIST = "/api/v1/projects/:project/domains";
const ONE = `${LIST}/:domain`;

export function createDomainRoutes({ domains }: DomainRoutesOptions): Route[] {
  const show = async (row: DomainRow): Promise<Domain> => showDomain(row, await domains.certificateOf(row));
  const common = { tag: TAG, auth: "management" } as const;
  return [
    defineRoute({
      ...common,
      method: "get",
      permission: "project.read",
      path: LIST,
      summary: "List a project's domains",
      params: projectParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listDomainsResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, query }) {
        const page = await domains.list(project.id, query);
        return { domains: await Promise.all(page.items.map(show)), nextCursor: page.nextCursor };
      },
    }),

    defineRoute({
      ...common,
      method: "post",
      permission: "domains.write",
      path: LIST,
      summary: "Add a domain",
      description:
        "It is served once it is proven: put the TXT record of `proof` into the DNS, point the name to this server, and verify. International names are stored in ASCII.",
      params: projectParamsSchema,
      body: addDomainRequestSchema,
      response: { status: 201, schema: domainResponseSchema },
      errors: ["NOT_FOUND", "CONFLICT"],
      idempotent: true,
      async handler({ project, body }) {
        return { domain: await show(await domains.add(project.id, body)) };
      },
    }),

    defineRoute({
      ...common,
      method: "get",
      permission: "project.read",
      path: ONE,
      summary: "Get a domain",
      params: domainParamsSchema,
      response: { status: 200, schema: domainResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        return { domain: await show(await domains.get(project.id, params.domain)) };
      },
    }),

    defineRoute({
      ...common,
      method: "patch",
      permission: "domains.write",
      path: ONE,
      summary: "Change where a domain leads",
      description: "The functions see the path as it was asked for. Takes effect everywhere within a second.",
      params: domainParamsSchema,
      body: changeDomainRequestSchema,
      response: { status: 200, schema: domainResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params, body }) {
        const { routes, servesApi } = body;
        const wanted = {
          ...(routes === undefined ? {} : { routes }),
          ...(servesApi === undefined ? {} : { servesApi }),
        };
        return { domain: await show(await domains.change(project.id, params.domain, wanted)) };
      },
    }),

    defineRoute({
      ...common,
      method: "post",
      permission: "domains.write",
      path: `${ONE}/verify`,
      summary: "Look for a domain's proof, and serve it",
      params: domainParamsSchema,
      response: { status: 200, schema: domainResponseSchema },
      errors: ["NOT_FOUND", "DOMAIN_NOT_PROVEN", "DOMAIN_TAKEN", "SERVICE_UNAVAILABLE", "RATE_LIMIT_EXCEEDED"],
      async handler({ project, params }) {
        return { domain: await show(await domains.verify(project.id, params.domain)) };
      },
    }),

    defineRoute({
      ...common,
      method: "delete",
      permission: "domains.write",
      path: ONE,
      summary: "Remove a domain",
      description: "It is served no more within a second, and free for others.",
      params: domainParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        await domains.remove(project.id, params.domain);
        return { success: true as const };
      },
    }),
  ];
}

function showDomain(row: DomainRow, certificate: DomainCertificate | null): Domain {
  return {
    id: row.id,
    hostname: row.hostname,
    status: row.status,
    proof: { type: "TXT", ...proofRecord(row.hostname, row.token) },
    routes: JSON.parse(row.routes),
    servesApi: row.serves_api === 1,
    certificate: { status: certificate?.status ?? "none", problem: certificate?.lastError ?? null },
    createdAt: toIso(row.created_at),
    verifiedAt: toIsoOrNull(row.verified_at),
    lastCheckedAt: toIsoOrNull(row.last_checked_at),
    proofMissingSince: toIsoOrNull(row.proof_missing_since),
  };
}
