import { AerostackError, type Permission } from "@aerostack/contracts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Principal } from "../keys/principal.ts";
import type { OrganisationRecord } from "./organisation.ts";
import { permissionMissing } from "./permissions.ts";
import { organisationStore } from "./store.ts";
import type { TeamTables } from "./tables.ts";

/** Responsible for which organisations there are, who belongs to them, and what each member may do. */
export interface OrganisationService {
  /**
   * An organisation, for an account that may do that in it.
   *
   * @throws NOT_FOUND, the same for one that the account is no member of as for none · FORBIDDEN, naming the permission
   */
  require(principal: Principal, id: string, permission: Permission): Promise<OrganisationRecord>;
}

export interface OrganisationServiceOptions {
  readonly sql: Sql<unknown>;
}

export function createOrganisationService(options: OrganisationServiceOptions): OrganisationService {
  const sql = options.sql.withTables<TeamTables>();
  return {
    async require(principal, id, permission) {
      const access = principal.kind === "account" ? principal.access.get(id) : undefined;
      const organisation = access === undefined ? undefined : await organisationStore.find(sql.db, id);
      if (access === undefined || organisation === undefined) throw organisationNotFound();
      if (!access.permissions.has(permission)) throw permissionMissing(permission);
      return organisation;
    },
  };
}

/** What a request for an organisation is answered that does not exist, or not for this principal. */
export function organisationNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", {
    message: "There is no such organisation.",
    fix: "Check the id, and that the credential belongs to a member.",
  });
}
