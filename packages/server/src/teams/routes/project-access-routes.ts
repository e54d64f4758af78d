import {
  listProjectAccessResponseSchema,
  moveProjectRequestSchema,
  type ProjectAccess,
  pageQuerySchema,
  projectAccessParamsSchema,
  projectAccessResponseSchema,
  projectParamsSchema,
  putProjectAccessRequestSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { ProjectAccessRecord, ProjectAccessService } from "../project-access.ts";
import type { OrganisationService } from "../service.ts";

const TAG = "Projects";
const ACCESS_PATH = "/api/v1/projects/:project/access";

export interface ProjectAccessRoutesOptions {
  readonly access: ProjectAccessService;
  readonly organisations: OrganisationService;
}

/** Who may do what in one project, and whose it is. Only accounts decide that: a key must not widen its maker's reach. */
export function projectAccessRoutes({ access, organisations }: ProjectAccessRoutesOptions): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: ACCESS_PATH,
      summary: "List members whose role is another in this project",
      tag: TAG,
      auth: "account",
      permission: "members.read",
      params: projectParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listProjectAccessResponseSchema },
      handler: async ({ project, query }) => {
        const page = await access.list(project.id, query);
        return { access: page.items.map(showAccess), nextCursor: page.nextCursor };
      },
    }),
    defineRoute({
      method: "put",
      path: `${ACCESS_PATH}/:member`,
      summary: "Give a member another role in this project",
      description: "Wider or narrower than the role in the organisation; `none` hides the project.",
      tag: TAG,
      auth: "account",
      permission: "members.write",
      params: projectAccessParamsSchema,
      body: putProjectAccessRequestSchema,
      response: { status: 200, schema: projectAccessResponseSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, project, params, body }) => ({
        access: showAccess(await access.put(principal.accountId, project, params.member, body.role)),
      }),
    }),
    defineRoute({
      method: "delete",
      path: `${ACCESS_PATH}/:member`,
      summary: "Let a member's role in the organisation count again",
      tag: TAG,
      auth: "account",
      permission: "members.write",
      params: projectAccessParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["CONFLICT"],
      handler: async ({ principal, project, params }) => {
        await access.remove(principal.accountId, project, params.member);
        return { success: true as const };
      },
    }),
    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/move",
      summary: "Move a project to another organisation",
      description:
        "Addresses, keys and everything in it stay as they are. Members of the other organisation see it by their roles there, and nobody else does. Needs `project.create` in the other organisation.",
      tag: TAG,
      auth: "account",
      permission: "project.delete",
      params: projectParamsSchema,
      body: moveProjectRequestSchema,
      response: { status: 200, schema: successSchema },
      handler: async ({ principal, project, body }) => {
        const { id } = await organisations.require(principal, body.organisation, "project.create");
        await access.move(principal.accountId, project, id);
        return { success: true as const };
      },
    }),
  ];
}

function showAccess({ id, email, role }: ProjectAccessRecord): ProjectAccess {
  return { accountId: id, email, role };
}
