import {
  changeLegalCaseRequestSchema,
  closeLegalCaseRequestSchema,
  discloseRequestSchema,
  legalCaseParamsSchema,
  legalCaseResponseSchema,
  liftLegalHoldRequestSchema,
  listDisclosuresResponseSchema,
  listLegalCasesQuerySchema,
  listLegalCasesResponseSchema,
  openLegalCaseRequestSchema,
  pageQuerySchema,
  placeLegalHoldRequestSchema,
  readLegalCaseResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { type LegalCases, showCase } from "./cases.ts";
import { type Disclosures, showDisclosure } from "./disclosures.ts";

const TAG = "Lawful requests";
const CASES = "/api/v1/admin/legal/cases";
const CASE = `${CASES}/:case`;

/** For administrators alone; what changes or discloses something asks a session for a fresh proof. */
export function createLegalCaseRoutes(cases: LegalCases): Route[] {
  const common = { tag: TAG, auth: "admin" } as const;
  const change = { ...common, freshProof: true, bodyIsContent: true } as const;
  const answer = { status: 200, schema: legalCaseResponseSchema } as const;
  return [
    defineRoute({
      ...common,
      method: "get",
      path: CASES,
      summary: "List cases of lawful requests",
      description: "Newest first.",
      query: listLegalCasesQuerySchema,
      response: { status: 200, schema: listLegalCasesResponseSchema },
      async handler({ query }) {
        const { items, nextCursor } = await cases.list(query.state, query);
        return { cases: items.map(showCase), nextCursor };
      },
    }),
    defineRoute({
      ...change,
      method: "post",
      path: CASES,
      summary: "Open a case of a lawful request",
      description: "About an account, an organisation, a project or a user of one.",
      body: openLegalCaseRequestSchema,
      response: { status: 201, schema: legalCaseResponseSchema },
      errors: ["NOT_FOUND"],
      idempotent: true,
      handler: async ({ principal, body }) => ({ case: showCase(await cases.open(principal.accountId, body)) }),
    }),
    defineRoute({
      ...common,
      method: "get",
      path: CASE,
      summary: "Read a case",
      description: "With the deletions that were asked for and wait for its hold to be lifted.",
      params: legalCaseParamsSchema,
      response: { status: 200, schema: readLegalCaseResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ params }) {
        const row = await cases.find(params.case);
        return { case: showCase(row), keptBack: [...(await cases.keptBack(row))] };
      },
    }),
    defineRoute({
      ...change,
      method: "patch",
      path: CASE,
      summary: "Change a case's notes",
      params: legalCaseParamsSchema,
      body: changeLegalCaseRequestSchema,
      response: answer,
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ params, body }) => ({ case: showCase(await cases.note(params.case, body.notes)) }),
    }),
    defineRoute({
      ...change,
      method: "post",
      path: `${CASE}/hold`,
      summary: "Place a legal hold on a case's subject",
      description:
        "While it is in force, deletions of the subject's data, and of what it is in, are accepted and kept back. The subject is told nothing but `tellSubject`.",
      params: legalCaseParamsSchema,
      body: placeLegalHoldRequestSchema,
      response: answer,
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ principal, params, body }) => ({
        case: showCase(await cases.placeHold(principal.accountId, params.case, body.tellSubject ?? null)),
      }),
    }),
    defineRoute({
      ...change,
      method: "post",
      path: `${CASE}/lift`,
      summary: "Lift a legal hold",
      description: "The deletions that it kept back are carried out.",
      params: legalCaseParamsSchema,
      body: liftLegalHoldRequestSchema,
      response: answer,
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ principal, params, body }) => ({
        case: showCase(await cases.liftHold(principal.accountId, params.case, body.reason)),
      }),
    }),
    defineRoute({
      ...change,
      method: "post",
      path: `${CASE}/close`,
      summary: "Close a case",
      description: "Once no hold is in force. It stays in the list.",
      params: legalCaseParamsSchema,
      body: closeLegalCaseRequestSchema,
      response: answer,
      errors: ["NOT_FOUND", "CONFLICT"],
      handler: async ({ principal, params, body }) => ({
        case: showCase(await cases.close(principal.accountId, params.case, body.reason)),
      }),
    }),
  ];
}

export function createDisclosureRoutes(disclosures: Disclosures): Route[] {
  const common = { tag: TAG, auth: "admin", params: legalCaseParamsSchema } as const;
  return [
    defineRoute({
      ...common,
      method: "get",
      path: `${CASE}/disclosures`,
      summary: "List what was disclosed of a case, when, by whom and to whom",
      query: pageQuerySchema,
      response: { status: 200, schema: listDisclosuresResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ params, query }) {
        const { items, nextCursor } = await disclosures.list(params.case, query);
        return { disclosures: items.map(showDisclosure), nextCursor };
      },
    }),
    defineRoute({
      ...common,
      method: "post",
      path: `${CASE}/disclosures`,
      summary: "Disclose exactly the chosen categories of a case's subject",
      description:
        "As a ZIP archive that is made while it is read: JSON lines, SQL and objects, and last `manifest.json` with the SHA-256 of each file. It never holds what opens anything: hashes of passwords and keys, secrets of authenticators, tokens.",
      body: discloseRequestSchema,
      bodyIsContent: true,
      freshProof: true,
      response: { status: 200, contentType: "application/zip" },
      errors: ["NOT_FOUND", "CONFLICT"],
      async handler({ principal, params, body }) {
        const { id, archive } = await disclosures.begin(principal.accountId, params.case, body);
        return new Response(ReadableStream.from(archive), {
          headers: {
            "content-type": "application/zip",
            "content-disposition": `attachment; filename="${id}.zip"`,
            "cache-control": "no-store",
          },
        });
      },
    }),
  ];
}
