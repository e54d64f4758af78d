import {
  type AuditFilter,
  adminAuditExportQuerySchema,
  adminAuditQuerySchema,
  auditExportQuerySchema,
  auditQuerySchema,
  auditVerificationSchema,
  listAuditResponseSchema,
  organisationAuditParamsSchema,
  verifyAuditQuerySchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { AuditLog } from "./create-audit.ts";
import { EXPORT_CONTENT_TYPES, type ExportFormat, exportEntries } from "./export-entries.ts";
import type { EntryFilter } from "./store.ts";

const TAG = "Audit log";

/** The audit log for admins of the installation, and for those who may read it in their organisation. */
export function auditRoutes(audit: AuditLog): readonly Route[] {
  async function exportOf(filter: EntryFilter, format: ExportFormat): Promise<Response> {
    await audit.record(null, {
      action: "audit.exported",
      target: { kind: "audit", id: null },
      organisationId: filter.organisationId,
      after: { ...filter, format },
    });
    const body = ReadableStream.from(exportEntries(audit.pages(filter), format)).pipeThrough(new TextEncoderStream());
    return new Response(body, {
      headers: {
        "content-type": EXPORT_CONTENT_TYPES[format],
        "content-disposition": `attachment; filename="audit.${format}"`,
        "cache-control": "no-store",
      },
    });
  }

  return [
    defineRoute({
      method: "get",
      path: "/api/v1/admin/audit",
      summary: "List the audit log of the installation",
      tag: TAG,
      auth: "admin",
      query: adminAuditQuerySchema,
      response: { status: 200, schema: listAuditResponseSchema },
      async handler({ query }) {
        const page = await audit.list({ ...toFilter(query), organisationId: query.organisation }, query);
        return { entries: [...page.items], nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/admin/audit/export",
      summary: "Export the audit log of the installation",
      description: "As JSON lines or CSV, oldest first. The export itself is written to the log.",
      tag: TAG,
      auth: "admin",
      query: adminAuditExportQuerySchema,
      response: { status: 200, contentType: "application/x-ndjson" },
      handler: ({ query }) => exportOf({ ...toFilter(query), organisationId: query.organisation }, query.format),
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/admin/audit/verify",
      summary: "Verify the audit log's hash chain",
      description:
        "Computes the chain anew and holds it against the stored hashes, the signed checkpoints and the signed end; names the first entry that is broken.",
      tag: TAG,
      auth: "admin",
      query: verifyAuditQuerySchema,
      response: { status: 200, schema: auditVerificationSchema },
      async handler({ query: { seq, hash } }) {
        await audit.extendChain();
        return await audit.verify(seq === undefined || hash === undefined ? undefined : { seq, hash });
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/organisations/:organisation/audit",
      summary: "List the audit log of an organisation",
      tag: TAG,
      auth: "account",
      permission: "audit.read",
      params: organisationAuditParamsSchema,
      query: auditQuerySchema,
      response: { status: 200, schema: listAuditResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ organisation, query }) {
        const page = await audit.list({ ...toFilter(query), organisationId: organisation.id }, query);
        return { entries: [...page.items], nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/organisations/:organisation/audit/export",
      summary: "Export the audit log of an organisation",
      description: "As JSON lines or CSV, oldest first. The export itself is written to the log.",
      tag: TAG,
      auth: "account",
      permission: "audit.read",
      params: organisationAuditParamsSchema,
      query: auditExportQuerySchema,
      response: { status: 200, contentType: "application/x-ndjson" },
      errors: ["NOT_FOUND"],
      handler: ({ organisation, query }) =>
        exportOf({ ...toFilter(query), organisationId: organisation.id }, query.format),
    }),
  ];
}

function toFilter({ actor, action, target, project, from, to }: AuditFilter): EntryFilter {
  return {
    actor,
    action,
    target,
    projectId: project,
    fromMs: from === undefined ? undefined : Date.parse(from),
    toMs: to === undefined ? undefined : Date.parse(to),
  };
}
