import type { Permission } from "@aerostack/contracts";
import type { Principal } from "../keys/principal.ts";

/** A project as other capabilities need it. */
export interface ProjectRef {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/**
 * The project of an id or slug, as far as the caller may do that with it. Routes below a project get theirs from the
 * edge, which asks for the permission that the route declares; this is for what names its project otherwise.
 *
 * @throws NOT_FOUND, the same for a project that does not exist and for one that the caller may not see · FORBIDDEN
 */
export type FindProject = (principal: Principal, ref: string, permission: Permission) => Promise<ProjectRef>;
