import {
  AerostackError,
  createProjectRequestSchema,
  deleteProjectQuerySchema,
  listProjectsResponseSchema,
  type Project,
  pageQuerySchema,
  projectParamsSchema,
  projectResponseSchema,
  renameProjectRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toIso } from "../kernel/page.ts";
import type { ProjectRecord, ProjectService } from "./service.ts";

export interface ProjectRoutesOptions {
  readonly projects: ProjectService;
  /** Where a project's functions answer. */
  readonly urlOf: (project: ProjectRecord) => string;
}

const TAG = "Projects";

export function projectRoutes({ projects, urlOf }: ProjectRoutesOptions): readonly Route[] {
  const show = (project: ProjectRecord) => showProject(project, urlOf);
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects",
      summary: "List projects",
      tag: TAG,
      auth: "account",
      query: pageQuerySchema,
      response: { status: 200, schema: listProjectsResponseSchema },
      handler: async ({ principal, query }) => {
        const page = await projects.list(principal.accountId, query);
        return { projects: page.items.map(show), nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/projects",
      summary: "Create a project",
      description: "The slug is made from the name, with a suffix where it is taken, and never changes.",
      tag: TAG,
      auth: "account",
      body: createProjectRequestSchema,
      response: { status: 201, schema: projectResponseSchema },
      errors: ["CONFLICT"],
      idempotent: true,
      handler: async ({ principal, body }) => ({
        project: show(await projects.create(principal.accountId, body.name)),
      }),
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project",
      summary: "Get a project",
      tag: TAG,
      auth: "management",
      params: projectParamsSchema,
      response: { status: 200, schema: projectResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, params }) => ({ project: show(await projects.require(principal, params.project)) }),
    }),
    defineRoute({
      method: "patch",
      path: "/api/v1/projects/:project",
      summary: "Rename a project",
      tag: TAG,
      auth: "account",
      params: projectParamsSchema,
      body: renameProjectRequestSchema,
      response: { status: 200, schema: projectResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, params, body }) => {
        const project = await projects.require(principal, params.project);
        return { project: show(await projects.rename(project, body.name)) };
      },
    }),
    defineRoute({
      method: "delete",
      path: "/api/v1/projects/:project",
      summary: "Delete a project with everything in it",
      tag: TAG,
      auth: "account",
      params: projectParamsSchema,
      query: deleteProjectQuerySchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, params, query }) => {
        const project = await projects.require(principal, params.project);
        if (query.confirm !== project.slug) {
          throw new AerostackError("VALIDATION_ERROR", {
            message: "Deleting a project removes its functions, databases and files for good and asks to be confirmed.",
            fix: `Repeat the request with ?confirm=${project.slug}`,
            details: { fieldErrors: { confirm: [`must be '${project.slug}'`] } },
          });
        }
        await projects.delete(project);
        return { success: true as const };
      },
    }),
  ];
}

/** A project as interfaces show it. */
export function showProject(project: ProjectRecord, urlOf: (project: ProjectRecord) => string): Project {
  return {
    id: project.id,
    name: project.name,
    slug: project.slug,
    url: urlOf(project),
    createdAt: toIso(project.createdAtMs),
    updatedAt: toIso(project.updatedAtMs),
  };
}
