import { AerostackError } from "@aerostack/contracts";
import type { Kysely } from "kysely";
import type { Sql } from "../../kernel/sql/index.ts";
import { memberStore } from "../member-store.ts";
import { roleStore } from "../role-store.ts";
import type { TeamOptions } from "../team-options.ts";
import { rolesOf } from "./sign-on-settings.ts";
import type { SignOnTables } from "./tables.ts";

/** Whose identities at an organisation's provider are whose accounts, and what role their groups give them. */
export interface SignOnMembers {
  /** The account that an identity opens. */
  findAccount(organisationId: string, subjectHash: string): Promise<string | undefined>;
  /** The role that the groups give; null: none. */
  roleFor(organisationId: string, groups: readonly string[]): Promise<string | null>;
  /** @throws AUTH_USER_EXISTS when the identity is another account's, or the account has another one there */
  connect<Tables>(trx: Kysely<Tables>, organisationId: string, subjectHash: string, accountId: string): Promise<void>;
  /**
   * Makes the account a member with the role that its groups give, or takes it out when they give none. Owners stay what
   * they are: nobody becomes one without agreeing, and what is wrong at the provider keeps no owner out.
   *
   * @returns false when the account is no member any more
   */
  apply(organisationId: string, accountId: string, groups: readonly string[]): Promise<boolean>;
}

export interface SignOnMembersOptions extends Omit<TeamOptions, "sql"> {
  readonly sql: Sql<SignOnTables>;
}

export function createSignOnMembers({ sql, clock, changes, audit }: SignOnMembersOptions): SignOnMembers {
  async function roleFor(db: Kysely<SignOnTables>, id: string, groups: readonly string[]): Promise<string | null> {
    const row = await db
      .selectFrom("organisation_sign_on")
      .selectAll()
      .where("organisation_id", "=", id)
      .executeTakeFirst();
    if (row === undefined) return null;
    const own = new Set(groups);
    const given = rolesOf(row).filter(({ group }) => own.has(group));
    const candidates = [...given.map(({ role }) => role), ...(row.default_role === null ? [] : [row.default_role])];
    for (const role of candidates) {
      // A custom role may be gone since.
      if (role !== "owner" && (await roleStore.permissionsOf(db, id, role)) !== undefined) return role;
    }
    return null;
  }

  return {
    async findAccount(organisationId, subjectHash) {
      const row = await sql.db
        .selectFrom("organisation_identities")
        .select("account_id")
        .where("organisation_id", "=", organisationId)
        .where("subject_hash", "=", subjectHash)
        .executeTakeFirst();
      return row?.account_id;
    },

    roleFor: (organisationId, groups) => roleFor(sql.db, organisationId, groups),

    async connect(anyTrx, organisationId, subjectHash, accountId) {
      const trx = anyTrx as unknown as Kysely<SignOnTables>;
      const row = { organisation_id: organisationId, subject_hash: subjectHash, account_id: accountId };
      const inserted = await trx
        .insertInto("organisation_identities")
        .values({ ...row, created_at: clock.now() })
        .onConflict((conflict) => conflict.doNothing())
        .returning("account_id")
        .executeTakeFirst();
      if (inserted === undefined) {
        const found = await trx
          .selectFrom("organisation_identities")
          .select("account_id")
          .where("organisation_id", "=", organisationId)
          .where("subject_hash", "=", subjectHash)
          .executeTakeFirst();
        if (found?.account_id === accountId) return;
        throw new AerostackError("AUTH_USER_EXISTS", {
          message: "This identity opens another account, or this account has another identity there.",
          fix: "Ask an owner of the organisation.",
        });
      }
      await audit.record(trx, {
        actor: { kind: "account", id: accountId },
        action: "sign_on.connected",
        target: { kind: "account", id: accountId },
        organisationId,
      });
    },

    async apply(organisationId, accountId, groups) {
      return await changes.commit(sql, [`account:${accountId}`], async (trx) => {
        const member = await memberStore.find(trx, organisationId, accountId);
        if (member?.role === "owner") return true;
        const role = await roleFor(trx, organisationId, groups);
        if (role === member?.role) return true;
        const about = {
          actor: { kind: "account" as const, id: accountId },
          target: { kind: "account", id: accountId },
          organisationId,
          ...(member === undefined ? {} : { before: { role: member.role } }),
        };
        if (role === null) {
          const [heirId] = await memberStore.ownerIds(trx, organisationId);
          if (member === undefined || heirId === undefined) return member !== undefined;
          await memberStore.remove(trx, organisationId, accountId, heirId);
          await audit.record(trx, { action: "member.removed_by_sign_on", ...about });
          return false;
        }
        if (member === undefined) await memberStore.insert(trx, organisationId, accountId, role, clock.now());
        else await memberStore.setRole(trx, organisationId, accountId, role);
        await audit.record(trx, {
          action: member === undefined ? "member.added_by_sign_on" : "member.role_changed_by_sign_on",
          ...about,
          after: { role },
        });
        return true;
      });
    },
  };
}
