import {
  AerostackError,
  createProjectRequestSchema,
  deleteProjectQuerySchema,
  listProjectsQuerySchema,
  listProjectsResponseSchema,
  type Project,
  projectParamsSchema,
  projectResponseSchema,
  renameProjectRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toIso } from "../kernel/page.ts";
import type { CreateProject } from "./create-project.ts";
import type { ProjectRecord, ProjectService } from "./service.ts";

export interface ProjectRoutesOptions {
  readonly projects: ProjectService;
  readonly create: CreateProject;
  /** Where a project's functions answer. */
  readonly urlOf: (project: ProjectRecord) => string;
}

const TAG = "Projects";

export function projectRoutes({ projects, create, urlOf }: ProjectRoutesOptions): readonly Route[] {
  const show = (project: ProjectRecord) => showProject(project, urlOf);
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects",
      summary: "List projects",
      tag: TAG,
      auth: "account",
      query: listProjectsQuerySchema,
      response: { status: 200, schema: listProjectsResponseSchema },
      handler: async ({ principal, query }) => {
        const page = await projects.list(principal, query, query.organisation);
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
      permission: "project.create",
      body: createProjectRequestSchema,
      response: { status: 201, schema: projectResponseSchema },
      errors: ["CONFLICT", "NOT_FOUND"],
      idempotent: true,
      handler: async ({ principal, body }) => ({ project: show(await create(principal, body)) }),
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project",
      summary: "Get a project",
      tag: TAG,
      auth: "management",
      permission: "project.read",
      params: projectParamsSchema,
      response: { status: 200, schema: projectResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project }) => ({ project: show(project) }),
    }),
    defineRoute({
      method: "patch",
      path: "/api/v1/projects/:project",
      summary: "Rename a project",
      tag: TAG,
      auth: "account",
      permission: "project.write",
      params: projectParamsSchema,
      body: renameProjectRequestSchema,
      response: { status: 200, schema: projectResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project, body }) => {
        return { project: show(await projects.rename(project, body.name)) };
      },
    }),
    defineRoute({
      method: "delete",
      path: "/api/v1/projects/:project",
      summary: "Delete a project with everything in it",
      tag: TAG,
      auth: "account",
      permission: "project.delete",
      params: projectParamsSchema,
      query: deleteProjectQuerySchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project, query }) => {
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
    organisationId: project.organisationId,
    url: urlOf(project),
    createdAt: toIso(project.createdAtMs),
    updatedAt: toIso(project.updatedAtMs),
  };
}
