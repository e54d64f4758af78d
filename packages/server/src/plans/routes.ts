import {
  installationProjectParamsSchema,
  projectParamsSchema,
  projectPlanResponseSchema,
  setProjectPlanRequestSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { type ProjectService, projectNotFound } from "../projects/service.ts";
import type { PlanService } from "./service.ts";

export interface PlanRoutesOptions {
  readonly plans: PlanService;
  readonly projects: Pick<ProjectService, "find">;
}

const TAG = "Plans";

/** Who manages a project reads its plan; an admin of the installation chooses it. */
export function planRoutes({ plans, projects }: PlanRoutesOptions): readonly Route[] {
  async function show(projectId: string) {
    const { realtime } = await plans.of(projectId);
    return { ...(await plans.describe(projectId)), realtime };
  }

  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/plan",
      summary: "Read a project's plan and what it allows",
      tag: TAG,
      auth: "management",
      permission: "project.read",
      params: projectParamsSchema,
      response: { status: 200, schema: projectPlanResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project }) => await show(project.id),
    }),
    defineRoute({
      method: "put",
      path: "/api/v1/admin/projects/:id/plan",
      summary: "Choose a project's plan",
      description:
        "Of any project of the installation, by id or slug. It holds for open connections too, within a second; of those beyond a smaller number the newest are closed within seconds.",
      tag: TAG,
      auth: "admin",
      params: installationProjectParamsSchema,
      body: setProjectPlanRequestSchema,
      response: { status: 200, schema: projectPlanResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ params, body }) {
        const project = await projects.find(params.id);
        if (project === undefined) throw projectNotFound();
        await plans.set(project, body.plan);
        return await show(project.id);
      },
    }),
  ];
}
