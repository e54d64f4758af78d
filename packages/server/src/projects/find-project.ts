import type { Principal } from "../keys/principal.ts";

/** A project as other capabilities need it. */
export interface ProjectRef {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
}

/**
 * The project of an id or slug, as far as the caller may see it.
 *
 * @throws NOT_FOUND, the same for a project that does not exist and for somebody else's
 */
export type FindProject = (principal: Principal, ref: string) => Promise<ProjectRef>;
