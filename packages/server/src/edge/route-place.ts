import type { Permission } from "@aerostack/contracts";
import type { Principal } from "../keys/principal.ts";
import type { ProjectRecord } from "../projects/service.ts";
import type { OrganisationRecord } from "../teams/organisation.ts";
import type { Route } from "./define-route.ts";

/** What an address can be about. Each look-up answers NOT_FOUND to whoever may not see it, FORBIDDEN to whoever may. */
export interface Places {
  project(principal: Principal, ref: string, permission: Permission): Promise<ProjectRecord>;
  organisation(principal: Principal, ref: string, permission: Permission): Promise<OrganisationRecord>;
}

export interface Place {
  readonly project?: ProjectRecord;
  readonly organisation?: OrganisationRecord;
}

const ABOUT_PROJECT = /^\/api\/v1\/projects\/:project(\/|$)/;
const ABOUT_ORGANISATION = /^\/api\/v1\/organisations\/:organisation(\/|$)/;

/** The thing that a route is about, by the address alone; null for routes that everybody may call. */
export function aboutOf(route: Pick<Route, "path" | "auth">): keyof Places | null {
  if (route.auth === "none") return null;
  if (ABOUT_PROJECT.test(route.path)) return "project";
  return ABOUT_ORGANISATION.test(route.path) ? "organisation" : null;
}

/** A route about a project or organisation that does not say what its callers need would be open to every member. */
export function requirePermission(route: Route): void {
  if (aboutOf(route) === null || route.permission !== undefined) return;
  throw new Error(`the route ${route.method} ${route.path} does not say which permission it needs`);
}

/** Looks up what the address is about, for a caller that may do there what the route does. */
export async function placeOf(
  route: Route,
  principal: Principal | null,
  params: unknown,
  places: Places,
): Promise<Place> {
  const about = aboutOf(route);
  if (about === null || principal === null || route.permission === undefined) return {};
  const ref = (params as Readonly<Record<string, string>> | undefined)?.[about] ?? "";
  return { [about]: await places[about](principal, ref, route.permission) };
}

/** As the audit log names a place. */
export function placeIds({ project, organisation }: Place) {
  return { projectId: project?.id ?? null, organisationId: organisation?.id ?? project?.organisationId ?? null };
}
