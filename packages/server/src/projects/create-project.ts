import type { AccountPrincipal } from "../keys/principal.ts";
import type { OrganisationService } from "../teams/service.ts";
import { personalOrganisationId } from "../teams/tables.ts";
import type { ProjectRecord, ProjectService } from "./service.ts";

/** Creates a project in an organisation of the account's, its personal one where none is named. */
export type CreateProject = (
  principal: AccountPrincipal,
  input: { readonly name: string; readonly organisation?: string | undefined },
) => Promise<ProjectRecord>;

/** @throws NOT_FOUND where the account is no member of the organisation · FORBIDDEN without `project.create` there, or with an address that has to be confirmed first */
export function createProjectCreation(
  projects: ProjectService,
  organisations: Pick<OrganisationService, "require">,
  requireConfirmedEmail: (accountId: string) => Promise<void>,
): CreateProject {
  return async (principal, { name, organisation = personalOrganisationId(principal.accountId) }) => {
    const { id } = await organisations.require(principal, organisation, "project.create");
    await requireConfirmedEmail(principal.accountId);
    return await projects.create(principal.accountId, name, id);
  };
}
