import {
  createProjectRequestSchema,
  listProjectsQuerySchema,
  listProjectsResponseSchema,
  type ProjectMetadata,
  projectMetadataQuerySchema,
  projectMetadataResponseSchema,
  projectSchema,
  validateKeyResponseSchema,
} from "@aerostack/contracts";
import type { AccountService } from "../accounts/service.ts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { CreateProject } from "./create-project.ts";
import { showProject } from "./routes.ts";
import { type ProjectRecord, type ProjectService, projectNotFound } from "./service.ts";

export interface CliRoutesOptions {
  readonly accounts: AccountService;
  readonly projects: ProjectService;
  readonly create: CreateProject;
  readonly urlOf: (project: ProjectRecord) => string;
  /** What a project has, as metadata names it; told by those that keep it. */
  readonly describeCollections: (projectId: string) => Promise<ProjectMetadata["collections"]>;
}

const TAG = "CLI";

/** What command-line clients ask besides deploying. */
export function cliRoutes({
  accounts,
  projects,
  create,
  urlOf,
  describeCollections,
}: CliRoutesOptions): readonly Route[] {
  const show = (project: ProjectRecord) => showProject(project, urlOf);
  return [
    defineRoute({
      method: "post",
      path: "/api/v1/cli/validate",
      summary: "Tell what a key is for",
      tag: TAG,
      auth: "key",
      response: { status: 200, schema: validateKeyResponseSchema },
      handler: async ({ principal }) => {
        if (principal.kind === "account") {
          const account = await accounts.require(principal.accountId);
          return {
            keyType: "account" as const,
            message: `This key belongs to the account ${account.email}.`,
            userId: account.id,
            email: account.email,
            ...(account.name === null ? {} : { name: account.name }),
          };
        }
        const project = await projects.find(principal.projectId);
        if (project === undefined) throw projectNotFound();
        return {
          keyType: "project" as const,
          message: `This key belongs to the project ${project.name}.`,
          projectId: project.id,
          projectName: project.name,
          slug: project.slug,
          url: urlOf(project),
        };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/cli/projects",
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
      path: "/api/v1/cli/projects",
      summary: "Create a project",
      tag: TAG,
      auth: "account",
      permission: "project.create",
      body: createProjectRequestSchema,
      response: { status: 201, schema: projectSchema },
      errors: ["CONFLICT", "NOT_FOUND"],
      idempotent: true,
      handler: async ({ principal, body }) => show(await create(principal, body)),
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/cli/project-metadata",
      summary: "Describe a project, for generating types",
      tag: TAG,
      auth: "management",
      permission: "project.read",
      query: projectMetadataQuerySchema,
      response: { status: 200, schema: projectMetadataResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ principal, query }) => {
        const project = await projects.lookUp(principal, query.project);
        if (project === undefined) throw projectNotFound();
        const { id: projectId, name, slug } = project;
        return { projectId, name, slug, collections: await describeCollections(projectId), hooks: [] };
      },
    }),
  ];
}
