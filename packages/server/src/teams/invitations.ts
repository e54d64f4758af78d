import { AerostackError } from "@aerostack/contracts";
import { createId, randomText } from "@aerostack/kernel";
import type { Kysely } from "kysely";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import { readAccess } from "./access.ts";
import { refuseOwnerRole, requireAuthority, requireNoMoreThan, requireRole } from "./authority.ts";
import { type InvitationRow, invitationStore } from "./invitation-store.ts";
import { memberStore } from "./member-store.ts";
import type { OrganisationRecord } from "./organisation.ts";
import { roleStore } from "./role-store.ts";
import { organisationStore } from "./store.ts";
import type { TeamTables } from "./tables.ts";
import type { TeamOptions } from "./team-options.ts";

/**
 * Responsible for how people are invited. An invitation is a token that only an account of the invited address can use,
 * once, within a week, and only while whoever invited could still do so.
 */
export interface InvitationService {
  /** @throws FORBIDDEN for rights beyond one's own · CONFLICT for a member · RATE_LIMIT_EXCEEDED */
  create(actorId: string, organisation: OrganisationRecord, input: NewInvitation): Promise<CreatedInvitation>;
  list(organisationId: string, page: PageRequest): Promise<Page<InvitationRow>>;
  /** @throws NOT_FOUND when there is none that is open */
  revoke(actorId: string, organisationId: string, invitationId: string): Promise<void>;
  /** What an invitation is to. @throws NOT_FOUND · FORBIDDEN for another address's */
  show(account: Invitee, token: string): Promise<Invited>;
  /** @throws as `show`, CONFLICT for somebody who is a member already */
  accept(account: Invitee, token: string): Promise<Invited>;
  decline(account: Invitee, token: string): Promise<void>;
}

export interface NewInvitation {
  /** Normalised. */
  readonly email: string;
  readonly role: string;
}

export interface CreatedInvitation {
  readonly row: InvitationRow;
  readonly token: string;
  readonly roleName: string;
}

/** Who was invited: an account whose address is known to be its own. */
export interface Invitee {
  readonly id: string;
  readonly email: string;
}

export interface Invited {
  readonly organisation: { readonly id: string; readonly name: string };
  readonly role: string;
  /** As people are shown it. */
  readonly roleName: string;
}

export const INVITATION_DAYS = 7;
const LIFETIME_MS = INVITATION_DAYS * 24 * 60 * 60_000;
/** 250 random bits. */
const TOKEN_CHARACTERS = 50;
const MAX_PENDING = 500;
/** Nobody's mailbox is flooded, and no mail server is used up, from one organisation. */
const PER_ORGANISATION: LimitPolicy = { limit: 100, windowMs: 60 * 60_000 };
const PER_EMAIL: LimitPolicy = { limit: 5, windowMs: 60 * 60_000 };

export interface InvitationOptions extends TeamOptions {
  readonly limiter: Limiter;
  /** @throws FORBIDDEN */
  readonly requireConfirmedEmail: (accountId: string) => Promise<void>;
}

export function createInvitationService(options: InvitationOptions): InvitationService {
  const { sql, clock, changes, audit, limiter } = options;

  async function limit(key: string, policy: LimitPolicy): Promise<void> {
    const { allowed, retryAfterSeconds } = await limiter.take(key, policy);
    if (!allowed) throw new AerostackError("RATE_LIMIT_EXCEEDED", { retryAfterSeconds });
  }

  /** The open invitation of a token, for the account that it was meant for. */
  async function requireOpen(db: Kysely<TeamTables>, account: Invitee, token: string) {
    const row = await invitationStore.findByToken(db, hashToken(token));
    if (row === undefined || row.status !== "pending" || row.expires_at <= clock.now()) throw invitationNotFound();
    if (row.email !== account.email) {
      throw new AerostackError("FORBIDDEN", {
        message: "This invitation is for another e-mail address than the account's.",
        fix: "Log in with the account of the address that the invitation was sent to.",
      });
    }
    const organisation = await organisationStore.find(db, row.organisation_id);
    if (organisation === undefined || !(await isStillMeant(db, row))) throw invitationNotFound();
    const roleName = (await roleStore.find(db, organisation.id, row.role))?.name ?? row.role;
    const { id, name } = organisation;
    return { row, invited: { organisation: { id, name }, role: row.role, roleName } };
  }

  const subject = (row: InvitationRow) => ({
    target: { kind: "invitation", id: row.id },
    organisationId: row.organisation_id,
  });

  return {
    async create(actorId, { id: organisationId }, { email, role }) {
      refuseOwnerRole(role);
      await options.requireConfirmedEmail(actorId);
      await limit(`invitations:organisation:${organisationId}`, PER_ORGANISATION);
      await limit(`invitations:email:${hashToken(email)}`, PER_EMAIL);
      const now = clock.now();
      const token = `inv_${randomText(TOKEN_CHARACTERS)}`;
      const row: InvitationRow = {
        id: createId("ivt", now),
        organisation_id: organisationId,
        email,
        role,
        token_hash: hashToken(token),
        invited_by: actorId,
        created_at: now,
        expires_at: now + LIFETIME_MS,
        status: "pending",
        decided_at: null,
      };
      const roleName = await sql.transaction(async (trx) => {
        const own = await requireAuthority(trx, organisationId, actorId, "members.write");
        requireNoMoreThan(own, await requireRole(trx, organisationId, role));
        if ((await memberStore.findByEmail(trx, organisationId, email)) !== undefined) {
          throw new AerostackError("CONFLICT", { message: "That address belongs to a member already." });
        }
        if ((await invitationStore.countPending(trx, organisationId, now)) >= MAX_PENDING) {
          throw new AerostackError("CONFLICT", { message: `At most ${MAX_PENDING} invitations are open at a time.` });
        }
        // The newest one counts: whoever is invited again gets the role that was meant last.
        await invitationStore.revokeForEmail(trx, organisationId, email, now);
        await invitationStore.insert(trx, row);
        await audit.record(trx, { action: "member.invited", ...subject(row), after: { email, role } });
        return (await roleStore.find(trx, organisationId, role))?.name ?? role;
      });
      return { row, token, roleName };
    },

    async list(organisationId, page) {
      return toPage(await invitationStore.list(sql.db, organisationId, page), page.limit);
    },

    async revoke(actorId, organisationId, invitationId) {
      await sql.transaction(async (trx) => {
        await requireAuthority(trx, organisationId, actorId, "members.write");
        const row = await invitationStore.decide(trx, invitationId, "revoked", clock.now());
        if (row?.organisation_id !== organisationId) throw invitationNotFound();
        await audit.record(trx, { action: "invitation.revoked", ...subject(row), before: { email: row.email } });
      });
    },

    async show(account, token) {
      return (await requireOpen(sql.db, account, token)).invited;
    },

    async accept(account, token) {
      return await changes.commit(sql, [`account:${account.id}`], async (trx) => {
        const { row, invited } = await requireOpen(trx, account, token);
        if ((await memberStore.find(trx, row.organisation_id, account.id)) !== undefined) {
          throw new AerostackError("CONFLICT", { message: "You are a member already." });
        }
        const taken = await invitationStore.decide(trx, row.id, "accepted", clock.now());
        if (taken === undefined) throw invitationNotFound();
        await memberStore.insert(trx, row.organisation_id, account.id, row.role, clock.now());
        await audit.record(trx, { action: "invitation.accepted", ...subject(row), after: { role: row.role } });
        return invited;
      });
    },

    async decline(account, token) {
      await sql.transaction(async (trx) => {
        const { row } = await requireOpen(trx, account, token);
        await invitationStore.decide(trx, row.id, "declined", clock.now());
        await audit.record(trx, { action: "invitation.declined", ...subject(row) });
      });
    },
  };
}

/** Whether whoever invited could do so today: they are still there, and their rights still cover the role. */
async function isStillMeant(db: Kysely<TeamTables>, row: InvitationRow): Promise<boolean> {
  const inviter = (await readAccess(db, row.invited_by)).get(row.organisation_id);
  const role = await roleStore.permissionsOf(db, row.organisation_id, row.role);
  if (inviter === undefined || role === undefined || !inviter.permissions.has("members.write")) return false;
  return [...role].every((permission) => inviter.permissions.has(permission));
}

/** The same for one that never was, was used, was taken back, or has run out. */
function invitationNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", {
    message: "The invitation is not valid any more.",
    fix: "Ask whoever invited you for another one.",
  });
}
