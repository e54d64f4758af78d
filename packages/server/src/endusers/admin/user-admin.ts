import { AerostackError, type CustomFields } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { PasswordHasher } from "../../kernel/crypto/password-hash.ts";
import { isUniqueViolation, type Sql } from "../../kernel/sql/index.ts";
import type { PasswordRule } from "../passwords/password-policy.ts";
import { changeCustomFields } from "../profile/custom-fields.ts";
import { userSubject } from "../sessions/sessions.ts";
import { endUserSessionStore } from "../sessions/store.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { EndUserTables } from "../tables.ts";
import type { EraseUser } from "../users/erase-user.ts";
import { newEndUser } from "../users/new-user.ts";
import { signUpStore } from "../users/sign-up-store.ts";
import { type EndUserChange, type EndUserRow, endUserStore } from "../users/store.ts";

export interface AdminUserInput {
  readonly email?: string | null | undefined;
  readonly emailVerified?: boolean | undefined;
  readonly phone?: string | null | undefined;
  readonly phoneVerified?: boolean | undefined;
  readonly name?: string | null | undefined;
  readonly password?: string | undefined;
  readonly customFields?: CustomFields | undefined;
  readonly metadata?: CustomFields | undefined;
}

/** What a project's own people do with its users. Whatever ends a session ends it within a second. */
export interface UserAdmin {
  /** @throws NOT_FOUND */
  require(projectId: string, userId: string): Promise<EndUserRow>;
  /** @throws AUTH_USER_EXISTS · AUTH_PASSWORD_WEAK · VALIDATION_ERROR */
  create(projectId: string, input: AdminUserInput): Promise<EndUserRow>;
  /** @throws as `create`, and NOT_FOUND */
  update(projectId: string, userId: string, input: AdminUserInput): Promise<EndUserRow>;
  block(projectId: string, userId: string): Promise<EndUserRow>;
  unblock(projectId: string, userId: string): Promise<EndUserRow>;
  delete(projectId: string, userId: string): Promise<void>;
  endSessions(projectId: string, userId: string): Promise<void>;
  /** Removes authenticator app, recovery codes and passkeys of who has lost them. */
  resetFactors(projectId: string, userId: string): Promise<void>;
}

export interface UserAdminOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly hasher: PasswordHasher;
  readonly settings: SettingsReader;
  readonly passwordRule: PasswordRule;
  readonly eraseUser: EraseUser;
}

const FACTORS = ["end_user_totp", "end_user_recovery_codes", "end_user_passkeys"] as const;

export function createUserAdmin(options: UserAdminOptions): UserAdmin {
  const { sql, clock, changes, hasher, settings, passwordRule, eraseUser } = options;

  async function require(projectId: string, userId: string): Promise<EndUserRow> {
    const user = await endUserStore.findById(sql.db, projectId, userId);
    if (user === undefined) throw new AerostackError("NOT_FOUND", { message: "There is no such user." });
    return user;
  }

  async function columnsOf(projectId: string, input: AdminUserInput, user: EndUserRow | null): Promise<EndUserChange> {
    const now = clock.now();
    const rules = await settings.of(projectId);
    if (input.password !== undefined) {
      const owner = { email: input.email ?? user?.email, name: input.name ?? user?.name };
      await passwordRule.require(projectId, input.password, owner, "password");
    }
    const storedFields: CustomFields = user === null ? {} : JSON.parse(user.custom_fields);
    return {
      ...(input.email === undefined ? {} : { email: input.email }),
      ...verified("email_verified_at", input.email, input.emailVerified, user?.email_verified_at ?? null, now),
      ...(input.phone === undefined ? {} : { phone: input.phone }),
      ...verified("phone_verified_at", input.phone, input.phoneVerified, user?.phone_verified_at ?? null, now),
      ...(input.name === undefined ? {} : { name: input.name }),
      ...(input.password === undefined ? {} : { password_hash: await hasher.hash(input.password) }),
      ...(input.customFields === undefined
        ? {}
        : {
            custom_fields: JSON.stringify(
              changeCustomFields(storedFields, input.customFields, rules.customFields, "project"),
            ),
          }),
      ...(input.metadata === undefined ? {} : { metadata: JSON.stringify(input.metadata) }),
    };
  }

  /** Changes a user; `endsSessions` says why where it does. */
  async function change(user: EndUserRow, columns: EndUserChange, endsSessions: string | null): Promise<EndUserRow> {
    const now = clock.now();
    const changed = await changes
      .commit(sql, [userSubject(user.id)], async (trx) => {
        if (columns.password_hash !== undefined || columns.email_verified_at !== undefined) {
          await signUpStore.forget(trx, user.id);
        }
        if (endsSessions !== null) await endUserSessionStore.revokeAllOfUser(trx, user.id, endsSessions, now);
        return await endUserStore.update(trx, user.project_id, user.id, { ...columns, updated_at: now });
      })
      .catch((error: unknown) => {
        throw isUniqueViolation(error) ? exists() : error;
      });
    if (changed === undefined) throw new AerostackError("NOT_FOUND", { message: "There is no such user." });
    return changed;
  }

  return {
    require,
    async create(projectId, input) {
      if (input.email == null && input.phone == null) {
        throw new AerostackError("VALIDATION_ERROR", {
          message: "A user has an e-mail address or a phone number.",
          details: { fieldErrors: { email: ["is needed, or phone"] } },
        });
      }
      const columns = await columnsOf(projectId, input, null);
      const user = newEndUser(projectId, clock.now(), columns as Partial<EndUserRow>);
      if (!(await endUserStore.insert(sql.db, user))) throw exists();
      return user;
    },
    async update(projectId, userId, input) {
      const user = await require(projectId, userId);
      const columns = await columnsOf(projectId, input, user);
      if ((columns.email ?? columns.phone) != null) columns.is_anonymous = 0;
      return await change(user, columns, input.password === undefined ? null : "password set by the project");
    },
    async block(projectId, userId) {
      const user = await require(projectId, userId);
      return await change(user, { blocked_at: user.blocked_at ?? clock.now() }, "blocked");
    },
    unblock: async (projectId, userId) => await change(await require(projectId, userId), { blocked_at: null }, null),
    async delete(projectId, userId) {
      await eraseUser(await require(projectId, userId));
    },
    async endSessions(projectId, userId) {
      await change(await require(projectId, userId), {}, "ended by the project");
    },
    async resetFactors(projectId, userId) {
      await require(projectId, userId);
      await sql.transaction(async (trx) => {
        for (const table of FACTORS) await trx.deleteFrom(table).where("user_id", "=", userId).execute();
      });
    },
  };
}

/** A new address is not confirmed, unless the project says so. */
function verified(
  column: "email_verified_at" | "phone_verified_at",
  contact: string | null | undefined,
  isVerified: boolean | undefined,
  storedMs: number | null,
  nowMs: number,
): EndUserChange {
  if (isVerified === undefined) return contact === undefined ? {} : { [column]: null };
  if (!isVerified) return { [column]: null };
  return { [column]: contact === undefined ? (storedMs ?? nowMs) : nowMs };
}

function exists(): AerostackError {
  return new AerostackError("AUTH_USER_EXISTS", {
    message: "Another user of the project has this e-mail address or phone number.",
    fix: "Choose another, or change that user.",
  });
}
