import type { IncomingHttpHeaders } from "node:http";
import { Readable } from "node:stream";
import {
  AerostackError,
  type DeployResponse,
  deployResponseSchema,
  type FunctionEnvironment,
  functionParamsSchema,
  functionResponseSchema,
  functionVersionParamsSchema,
  listFunctionsResponseSchema,
  listVersionsQuerySchema,
  listVersionsResponseSchema,
  pageQuerySchema,
  projectParamsSchema,
  rollbackRequestSchema,
  rolloutRequestSchema,
  successSchema,
  updateFunctionRequestSchema,
  versionDiffQuerySchema,
  versionDiffResponseSchema,
  versionResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { Principal } from "../keys/principal.ts";
import type { FindProject } from "../projects/find-project.ts";
import type { BundleStore } from "./bundle-store.ts";
import { type DeployForm, readDeployForm } from "./deploy-form.ts";
import type { FunctionService, ProjectRef } from "./service.ts";
import type { Activation, FunctionRecord, FunctionVersion } from "./types.ts";
import { diffVersions } from "./version-diff.ts";

export interface FunctionRoutesOptions {
  readonly functions: FunctionService;
  readonly bundles: BundleStore;
  readonly findProject: FindProject;
  readonly functionUrl: (projectSlug: string, functionName: string, environment: FunctionEnvironment) => string;
}

const TAG = "Functions";

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function actorOf(principal: Principal): string {
  return principal.kind === "account" ? principal.accountId : principal.ownerId;
}

function toActivation(one: Activation) {
  return {
    env: one.environment,
    version: one.versionNumber,
    percent: one.percent,
    activatedAt: isoTime(one.activatedAt),
  };
}

function toVersion(version: FunctionVersion, activations: readonly Activation[]) {
  return {
    id: version.id,
    number: version.number,
    compatibilityDate: version.compatibilityDate,
    compatibilityFlags: [...version.compatibilityFlags],
    config: version.config,
    modules: version.modules.map(({ name, type, sizeBytes, sha256 }) => ({ name, type, sizeBytes, sha256 })),
    assetCount: version.assets.length,
    sizeBytes: version.sizeBytes,
    message: version.config.message ?? null,
    createdAt: isoTime(version.createdAt),
    createdBy: version.createdBy,
    active: activations.filter((one) => one.versionNumber === version.number).map(toActivation),
  };
}

/** Deploying functions, and seeing and changing what of them serves. */
export function createFunctionRoutes(options: FunctionRoutesOptions): Route[] {
  const { functions, findProject } = options;

  async function summarise(project: ProjectRef, record: FunctionRecord) {
    const active = (await functions.activations(record.id)).map(toActivation);
    return {
      id: record.id,
      name: record.name,
      isPublic: record.isPublic,
      url: options.functionUrl(project.slug, record.name, "production"),
      active,
      createdAt: isoTime(record.createdAt),
      updatedAt: isoTime(record.updatedAt),
    };
  }

  async function deployForm(principal: Principal, form: DeployForm): Promise<DeployResponse> {
    const ref = principal.kind === "project" ? principal.projectId : form.projectId;
    if (ref === undefined) {
      throw new AerostackError("VALIDATION_ERROR", {
        message: "The field 'project_id' is missing.",
        fix: "Name the project, or use one of its secret keys.",
      });
    }
    const project = await findProject(principal, ref, "functions.deploy");
    const { record, version } = await functions.deploy(project, form, actorOf(principal));
    const url = options.functionUrl(project.slug, record.name, form.environment);
    return {
      success: true,
      scriptName: record.name,
      url,
      publicUrl: url,
      env: form.environment,
      isPublic: record.isPublic,
      project: { id: project.id, name: project.name, slug: project.slug },
      version: { id: version.id, number: version.number },
    };
  }

  return [
    defineRoute({
      method: "post",
      path: "/api/v1/cli/deploy",
      summary: "Deploy a function",
      description:
        "A form with the fields `env`, `project_id`, `name`, `isPublic`, `compatibility_date`, `compatibility_flags` (JSON), `config` (JSON) or `bindings` (JSON), the file `worker` (the main ES module), a file per further module, and static assets as files named `assets/<path>`.",
      tag: TAG,
      auth: "management",
      permission: "functions.deploy",
      rawBody: { contentType: "multipart/form-data", description: "The bundle and its settings." },
      response: { status: 200, schema: deployResponseSchema },
      errors: ["FUNCTION_START_FAILED", "REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE", "CONFLICT"],
      async handler({ principal, request }) {
        if (request.body === null) throw new AerostackError("REQUEST_MALFORMED");
        const headers = Object.fromEntries(request.headers) as IncomingHttpHeaders;
        const files = options.bundles.open();
        try {
          const form = await readDeployForm(Readable.fromWeb(request.body as never), headers, files);
          return await deployForm(principal, form);
        } finally {
          await files.close();
        }
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/functions",
      summary: "List a project's functions",
      tag: TAG,
      auth: "management",
      permission: "functions.read",
      params: projectParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listFunctionsResponseSchema },
      async handler({ project, query }) {
        const records = await functions.list(project.id, query.limit + 1, query.cursor ?? "");
        const page = records.slice(0, query.limit);
        return {
          functions: await Promise.all(page.map((record) => summarise(project, record))),
          nextCursor: records.length > page.length ? (page.at(-1)?.name ?? null) : null,
        };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/functions/:function",
      summary: "Show a function",
      tag: TAG,
      auth: "management",
      permission: "functions.read",
      params: functionParamsSchema,
      response: { status: 200, schema: functionResponseSchema },
      errors: ["FUNCTION_NOT_FOUND"],
      async handler({ project, params }) {
        return { function: await summarise(project, await functions.find(project.id, params.function)) };
      },
    }),

    defineRoute({
      method: "patch",
      path: "/api/v1/projects/:project/functions/:function",
      summary: "Make a function public or private",
      tag: TAG,
      auth: "management",
      permission: "functions.deploy",
      params: functionParamsSchema,
      body: updateFunctionRequestSchema,
      response: { status: 200, schema: functionResponseSchema },
      errors: ["FUNCTION_NOT_FOUND"],
      async handler({ project, params, body }) {
        const record = await functions.setPublic(project, params.function, body.isPublic);
        return { function: await summarise(project, record) };
      },
    }),

    defineRoute({
      method: "delete",
      path: "/api/v1/projects/:project/functions/:function",
      summary: "Delete a function and its versions",
      tag: TAG,
      auth: "management",
      permission: "functions.deploy",
      params: functionParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["FUNCTION_NOT_FOUND", "CONFLICT"],
      async handler({ project, params }) {
        await functions.remove(project, params.function);
        return { success: true as const };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/functions/:function/versions",
      summary: "List a function's versions, newest first",
      tag: TAG,
      auth: "management",
      permission: "functions.read",
      params: functionParamsSchema,
      query: listVersionsQuerySchema,
      response: { status: 200, schema: listVersionsResponseSchema },
      errors: ["FUNCTION_NOT_FOUND"],
      async handler({ project, params, query }) {
        const record = await functions.find(project.id, params.function);
        const activations = await functions.activations(record.id);
        const before = query.cursor === undefined ? Number.MAX_SAFE_INTEGER : Number(query.cursor);
        if (!Number.isSafeInteger(before))
          throw new AerostackError("VALIDATION_ERROR", { message: "The cursor is not valid." });
        const versions = await functions.listVersions(record.id, query.limit + 1, before, query.env);
        const page = versions.slice(0, query.limit);
        return {
          versions: page.map((version) => toVersion(version, activations)),
          nextCursor: versions.length > page.length ? String(page.at(-1)?.number) : null,
        };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/functions/:function/versions/:version",
      summary: "Show a version",
      tag: TAG,
      auth: "management",
      permission: "functions.read",
      params: functionVersionParamsSchema,
      response: { status: 200, schema: versionResponseSchema },
      errors: ["FUNCTION_NOT_FOUND"],
      async handler({ project, params }) {
        const record = await functions.find(project.id, params.function);
        const version = await functions.findVersion(record, params.version);
        return { version: toVersion(version, await functions.activations(record.id)) };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/functions/:function/versions/:version/diff",
      summary: "Compare two versions",
      tag: TAG,
      auth: "management",
      permission: "functions.read",
      params: functionVersionParamsSchema,
      query: versionDiffQuerySchema,
      response: { status: 200, schema: versionDiffResponseSchema },
      errors: ["FUNCTION_NOT_FOUND"],
      async handler({ project, params, query }) {
        const record = await functions.find(project.id, params.function);
        const [from, to] = await Promise.all([
          functions.findVersion(record, query.against),
          functions.findVersion(record, params.version),
        ]);
        return { from: from.number, to: to.number, changes: diffVersions(from, to) };
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/functions/:function/rollback",
      summary: "Let an earlier version serve again",
      tag: TAG,
      auth: "management",
      permission: "functions.deploy",
      params: functionParamsSchema,
      body: rollbackRequestSchema,
      response: { status: 200, schema: versionResponseSchema },
      errors: ["FUNCTION_NOT_FOUND", "CONFLICT"],
      async handler({ project, principal, params, body }) {
        const version = await functions.rollback(project, params.function, body.env, body.version, actorOf(principal));
        return { version: toVersion(version, await functions.activations(version.functionId)) };
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/functions/:function/rollout",
      summary: "Give a version a share of the calls",
      tag: TAG,
      auth: "management",
      permission: "functions.deploy",
      params: functionParamsSchema,
      body: rolloutRequestSchema,
      response: { status: 200, schema: versionResponseSchema },
      errors: ["FUNCTION_NOT_FOUND", "CONFLICT"],
      async handler({ project, principal, params, body }) {
        const version = await functions.rollout(
          project,
          params.function,
          { environment: body.env, versionNumber: body.version, percent: body.percent },
          actorOf(principal),
        );
        return { version: toVersion(version, await functions.activations(version.functionId)) };
      },
    }),
  ];
}
