import type { IncomingHttpHeaders } from "node:http";
import type { ProjectPrincipal } from "../keys/principal.ts";
import type { DispatchTokens } from "./dispatch-token.ts";
import type { RoutedProject, RouteTable } from "./route-table.ts";

/**
 * The project whose function sends a request with the token of the call that it serves (`x-as-dispatch-token` beside
 * `x-as-project-id`); null for every other request. The token opens its own project only, as a secret key would.
 */
export type DispatchPrincipals = (
  headers: IncomingHttpHeaders,
) => ProjectPrincipal | null | Promise<ProjectPrincipal | null>;

export interface DispatchPrincipalsOptions {
  readonly tokens: Pick<DispatchTokens, "verify">;
  readonly routes: Pick<RouteTable, "project">;
}

export function createDispatchPrincipals({ tokens, routes }: DispatchPrincipalsOptions): DispatchPrincipals {
  return (headers) => {
    const token = headers["x-as-dispatch-token"];
    const projectId = headers["x-as-project-id"];
    if (typeof token !== "string" || typeof projectId !== "string") return null;
    if (!tokens.verify(projectId, token)) return null;
    const project = routes.project(projectId);
    return project instanceof Promise ? project.then(principalOf) : principalOf(project);
  };
}

function principalOf(project: RoutedProject | null): ProjectPrincipal | null {
  if (project === null) return null;
  return {
    kind: "project",
    projectId: project.id,
    projectSlug: project.slug,
    ownerId: project.ownerId,
    access: "secret",
    via: "function",
    credentialId: "function",
  };
}
