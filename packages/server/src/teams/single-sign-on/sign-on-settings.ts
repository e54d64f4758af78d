import { AerostackError, type SetSignOnRequest } from "@aerostack/contracts";
import type { Kysely, Selectable } from "kysely";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { refuseOwnerRole, requireAuthority, requireNoMoreThan, requireRole } from "../authority.ts";
import type { OrganisationRecord } from "../organisation.ts";
import type { TeamOptions } from "../team-options.ts";
import type { SignOnTables } from "./tables.ts";

type SignOnRow = Selectable<SignOnTables["organisation_sign_on"]>;

/** What the provider of an organisation is asked with. */
export interface SignOnClient {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly groupsClaim: string;
}

export interface RoleOfGroup {
  readonly group: string;
  readonly role: string;
}

/** Which provider an organisation's members log in through, and which roles its groups give. */
export interface SignOnSettings {
  find(organisationId: string): Promise<SignOnRow | undefined>;
  /** @throws CONFLICT · VALIDATION_ERROR for a role that there is not · FORBIDDEN for rights beyond one's own */
  set(actorId: string, organisation: OrganisationRecord, input: SetSignOnRequest): Promise<void>;
  /** @throws NOT_FOUND */
  remove(actorId: string, organisation: OrganisationRecord): Promise<void>;
  /** @throws NOT_FOUND, the same where there is none as where it is switched off */
  requireClient(organisationId: string): Promise<SignOnClient>;
}

export interface SignOnSettingsOptions extends Omit<TeamOptions, "sql"> {
  readonly sql: Sql<SignOnTables>;
  readonly envelope: Envelope;
}

export function createSignOnSettings(options: SignOnSettingsOptions): SignOnSettings {
  const { sql, clock, changes, audit, envelope } = options;

  const find = (db: Kysely<SignOnTables>, id: string) =>
    db.selectFrom("organisation_sign_on").selectAll().where("organisation_id", "=", id).executeTakeFirst();

  async function requireDomain(trx: Kysely<SignOnTables>, organisationId: string): Promise<void> {
    const domain = await trx
      .selectFrom("organisation_domains")
      .select("domain")
      .where("organisation_id", "=", organisationId)
      .where("verified_at", "is not", null)
      .limit(1)
      .executeTakeFirst();
    if (domain !== undefined) return;
    throw new AerostackError("CONFLICT", {
      message: "No e-mail domain of the organisation is proven, so nobody could log in through it.",
      fix: "Add a domain and prove it before single sign-on is required.",
    });
  }

  return {
    find: (organisationId) => find(sql.db, organisationId),

    async set(actorId, { id, personalAccountId }, input) {
      if (personalAccountId !== null) {
        throw new AerostackError("CONFLICT", { message: "An account's own organisation has no single sign-on." });
      }
      const { clientSecret, enabled, required, issuer, clientId, groupsClaim, roles, defaultRole } = input;
      await changes.commit(sql, [`organisation:${id}`], async (trx) => {
        const own = await requireAuthority(trx, id, actorId, "sso.write");
        for (const role of [...roles.map((one) => one.role), ...(defaultRole === null ? [] : [defaultRole])]) {
          refuseOwnerRole(role);
          requireNoMoreThan(own, await requireRole(trx, id, role));
        }
        if (required) await requireDomain(trx, id);
        const before = await find(trx, id);
        // The secret that is stored was given for that issuer; another one is not told it.
        const kept = before?.issuer === issuer ? before.client_secret : undefined;
        const secret = clientSecret === undefined ? kept : envelope.seal(clientSecret, sealContextOf(id));
        if (secret === undefined) {
          throw new AerostackError("VALIDATION_ERROR", {
            message: "The client secret is needed for this issuer.",
            details: { fieldErrors: { clientSecret: ["is needed"] } },
          });
        }
        const row = {
          is_enabled: enabled ? 1 : 0,
          is_required: required ? 1 : 0,
          issuer,
          client_id: clientId,
          client_secret: secret,
          groups_claim: groupsClaim,
          roles: JSON.stringify(roles),
          default_role: defaultRole,
          updated_at: clock.now(),
        };
        await trx
          .insertInto("organisation_sign_on")
          .values({ organisation_id: id, ...row })
          .onConflict((conflict) => conflict.column("organisation_id").doUpdateSet(row))
          .execute();
        await audit.record(trx, {
          action: "sign_on.changed",
          target: { kind: "organisation", id },
          organisationId: id,
          after: { issuer, clientId, enabled, required, groupsClaim, roles, defaultRole },
        });
      });
    },

    async remove(actorId, { id }) {
      await changes.commit(sql, [`organisation:${id}`], async (trx) => {
        await requireAuthority(trx, id, actorId, "sso.write");
        const removed = await trx
          .deleteFrom("organisation_sign_on")
          .where("organisation_id", "=", id)
          .returning("issuer")
          .executeTakeFirst();
        if (removed === undefined) throw noSignOn();
        await audit.record(trx, {
          action: "sign_on.removed",
          target: { kind: "organisation", id },
          organisationId: id,
          before: { issuer: removed.issuer },
        });
      });
    },

    async requireClient(organisationId) {
      const row = await find(sql.db, organisationId);
      if (row === undefined || row.is_enabled === 0) throw noSignOn();
      return {
        issuer: row.issuer,
        clientId: row.client_id,
        clientSecret: envelope.open(row.client_secret, sealContextOf(organisationId)),
        groupsClaim: row.groups_claim,
      };
    },
  };
}

export function noSignOn(): AerostackError {
  return new AerostackError("NOT_FOUND", {
    message: "There is no single sign-on here.",
    fix: "Log in another way, or ask an owner of the organisation.",
  });
}

export function rolesOf(row: Pick<SignOnRow, "roles">): readonly RoleOfGroup[] {
  return JSON.parse(row.roles) as readonly RoleOfGroup[];
}

function sealContextOf(organisationId: string): string {
  return `organisation-sign-on/${organisationId}`;
}

/** Where the client secrets lie, for turning the master key over. */
export const organisationSignOnSeal: SealedColumn = {
  table: "organisation_sign_on",
  key: ["organisation_id"],
  column: "client_secret",
  contextOf: ({ organisation_id: organisationId = "" }) => sealContextOf(organisationId),
};
