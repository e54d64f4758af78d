import { AerostackError, type Permission } from "@aerostack/contracts";
import type { Principal } from "../../keys/principal.ts";
import type { PrincipalResolver } from "../../keys/principal-resolver.ts";
import type { ProjectService } from "../../projects/service.ts";
import type { OrganisationService } from "../../teams/service.ts";
import type { BlockCheck } from "./block-check.ts";

// Where blocks are asked, at the few places that everything goes through.

/** Answers BLOCKED where the credential is good and whoever it stands for is kept out. */
export function resolveUnblocked(resolver: PrincipalResolver, check: BlockCheck): PrincipalResolver {
  function unlessBlocked<Found extends Principal>(found: Found | null): Found | null | Promise<Found | null> {
    if (found === null) return null;
    const refused = check.ofPrincipal(found);
    if (refused === null) return found;
    const refuse = (error: AerostackError | null): Found => {
      if (error !== null) throw error;
      return found;
    };
    return refused instanceof Promise ? refused.then(refuse) : refuse(refused);
  }

  return {
    resolve(credential, clientAddress) {
      const found = resolver.resolve(credential, clientAddress);
      return found instanceof Promise ? found.then(unlessBlocked) : unlessBlocked(found);
    },
    resolveKey(credential, clientAddress) {
      const found = resolver.resolveKey(credential, clientAddress);
      return found instanceof Promise ? found.then(unlessBlocked) : unlessBlocked(found);
    },
    takeUses: resolver.takeUses,
  };
}

/** What is blocked can still be looked at by its own people, and taken elsewhere; nothing in it is changed or run. */
const onlyLooks = (permission: Permission): boolean => permission.endsWith(".read");

export function guardProjects(projects: ProjectService, check: BlockCheck): ProjectService {
  return {
    ...projects,
    async require(principal, idOrSlug, permission) {
      const project = await projects.require(principal, idOrSlug, permission);
      if (!onlyLooks(permission)) await check.requireProject(project.id);
      return project;
    },
  };
}

export function guardOrganisations<Service extends Pick<OrganisationService, "require">>(
  organisations: Service,
  check: BlockCheck,
): Service {
  return {
    ...organisations,
    async require(...[principal, id, permission]: Parameters<OrganisationService["require"]>) {
      const organisation = await organisations.require(principal, id, permission);
      if (!onlyLooks(permission)) await check.require("organisation", organisation.id);
      return organisation;
    },
  };
}

/** True for an error that says that somebody is kept out, whatever asked. */
export function isBlocked(error: unknown): error is AerostackError {
  return error instanceof AerostackError && error.code === "BLOCKED";
}
