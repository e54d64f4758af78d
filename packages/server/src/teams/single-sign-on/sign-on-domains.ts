import { AerostackError } from "@aerostack/contracts";
import type { Selectable } from "kysely";
import type { Sql } from "../../kernel/sql/index.ts";
import { requireAuthority } from "../authority.ts";
import type { TeamOptions } from "../team-options.ts";
import type { SignOnTables } from "./tables.ts";

export type SignOnDomainRow = Selectable<SignOnTables["organisation_domains"]>;

/** How somebody proves that a domain is theirs: a TXT record with a token that was made for this claim alone. */
export interface DomainProof {
  /** @throws VALIDATION_ERROR for anything that is no full domain name */
  normalise(domain: string): string;
  createToken(): string;
  recordOf(domain: string, token: string): { readonly name: string; readonly value: string };
  check(domain: string, token: string): Promise<"proven" | "missing" | "unknown">;
}

/** The e-mail domains of an organisation. Each belongs to the one that proved it. */
export interface SignOnDomains {
  list(organisationId: string): Promise<readonly SignOnDomainRow[]>;
  /** The same claim again answers what is stored. @throws VALIDATION_ERROR · CONFLICT */
  add(actorId: string, organisationId: string, domain: string): Promise<SignOnDomainRow>;
  /** @throws NOT_FOUND · CONFLICT while the record is not there, or when another organisation proved it */
  verify(actorId: string, organisationId: string, domain: string): Promise<SignOnDomainRow>;
  /** @throws NOT_FOUND */
  remove(actorId: string, organisationId: string, domain: string): Promise<void>;
  /** Which organisation's people have addresses of a domain, and log in through it. */
  organisationOf(domain: string): Promise<string | undefined>;
  /** Whether an address is of a domain that the organisation has proven. */
  isOwn(organisationId: string, email: string): Promise<boolean>;
}

const MAX_DOMAINS = 50;

export interface SignOnDomainsOptions extends Omit<TeamOptions, "sql" | "changes"> {
  readonly sql: Sql<SignOnTables>;
  readonly proof: DomainProof;
}

export function createSignOnDomains({ sql, clock, audit, proof }: SignOnDomainsOptions): SignOnDomains {
  const about = (organisationId: string, domain: string) => ({
    target: { kind: "organisation", id: organisationId },
    organisationId,
    after: { domain },
  });

  async function list(organisationId: string): Promise<readonly SignOnDomainRow[]> {
    return await sql.db
      .selectFrom("organisation_domains")
      .selectAll()
      .where("organisation_id", "=", organisationId)
      .orderBy("domain")
      .execute();
  }

  async function require(organisationId: string, domain: string): Promise<SignOnDomainRow> {
    const row = (await list(organisationId)).find((each) => each.domain === domain);
    if (row === undefined) throw noSuchDomain();
    return row;
  }

  return {
    list,

    async add(actorId, organisationId, text) {
      const domain = proof.normalise(text);
      const row = { organisation_id: organisationId, domain, token: proof.createToken(), verified_at: null };
      return await sql.transaction(async (trx) => {
        await requireAuthority(trx, organisationId, actorId, "sso.write");
        const rows = await trx
          .selectFrom("organisation_domains")
          .selectAll()
          .where("organisation_id", "=", organisationId)
          .execute();
        const known = rows.find((each) => each.domain === domain);
        if (known !== undefined) return known;
        if (rows.length >= MAX_DOMAINS) {
          throw new AerostackError("CONFLICT", { message: `An organisation has at most ${MAX_DOMAINS} domains.` });
        }
        await trx.insertInto("organisation_domains").values(row).execute();
        await audit.record(trx, { action: "sign_on.domain_added", ...about(organisationId, domain) });
        return row;
      });
    },

    async verify(actorId, organisationId, domain) {
      const row = await require(organisationId, domain);
      if (row.verified_at !== null) return row;
      const state = await proof.check(domain, row.token);
      if (state !== "proven") throw notProven(state, proof.recordOf(domain, row.token));
      const now = clock.now();
      await sql.transaction(async (trx) => {
        await requireAuthority(trx, organisationId, actorId, "sso.write");
        const other = await trx
          .selectFrom("organisation_domains")
          .select("organisation_id")
          .where("domain", "=", domain)
          .where("verified_at", "is not", null)
          .executeTakeFirst();
        if (other !== undefined && other.organisation_id !== organisationId) {
          throw new AerostackError("CONFLICT", {
            message: "Another organisation has proven this domain.",
            fix: "Remove it there first.",
          });
        }
        const verified = await trx
          .updateTable("organisation_domains")
          .set({ verified_at: now })
          .where("organisation_id", "=", organisationId)
          .where("domain", "=", domain)
          .returning("domain")
          .executeTakeFirst();
        if (verified === undefined) throw noSuchDomain();
        await audit.record(trx, { action: "sign_on.domain_verified", ...about(organisationId, domain) });
      });
      return { ...row, verified_at: now };
    },

    async remove(actorId, organisationId, domain) {
      await sql.transaction(async (trx) => {
        await requireAuthority(trx, organisationId, actorId, "sso.write");
        const removed = await trx
          .deleteFrom("organisation_domains")
          .where("organisation_id", "=", organisationId)
          .where("domain", "=", domain)
          .returning("domain")
          .executeTakeFirst();
        if (removed === undefined) throw noSuchDomain();
        await audit.record(trx, { action: "sign_on.domain_removed", ...about(organisationId, domain) });
      });
    },

    async organisationOf(domain) {
      const row = await sql.db
        .selectFrom("organisation_domains")
        .innerJoin("organisation_sign_on as sign_on", (join) =>
          join.onRef("sign_on.organisation_id", "=", "organisation_domains.organisation_id"),
        )
        .select("organisation_domains.organisation_id")
        .where("organisation_domains.domain", "=", domain)
        .where("organisation_domains.verified_at", "is not", null)
        .where("sign_on.is_enabled", "=", 1)
        .executeTakeFirst();
      return row?.organisation_id;
    },

    async isOwn(organisationId, email) {
      const domain = domainOf(email);
      return (await list(organisationId)).some((row) => row.domain === domain && row.verified_at !== null);
    },
  };
}

export function domainOf(email: string): string {
  return email.slice(email.lastIndexOf("@") + 1);
}

function noSuchDomain(): AerostackError {
  return new AerostackError("NOT_FOUND", { message: "The organisation has not claimed this domain." });
}

function notProven(state: "missing" | "unknown", { name, value }: { name: string; value: string }): AerostackError {
  return new AerostackError("CONFLICT", {
    message: state === "missing" ? "The record is not there." : "The DNS did not answer.",
    fix: `Add a TXT record '${name}' with the value '${value}', wait until it can be seen, and try again.`,
  });
}
