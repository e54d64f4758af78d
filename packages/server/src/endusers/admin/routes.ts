import {
  adminEndUserExportSchema,
  adminEndUserParamsSchema,
  adminEndUserResponseSchema,
  createAdminEndUserRequestSchema,
  importEndUsersRequestSchema,
  importEndUsersResponseSchema,
  listAdminEndUsersQuerySchema,
  listAdminEndUsersResponseSchema,
  projectParamsSchema,
  successSchema,
  updateAdminEndUserRequestSchema,
} from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { toIso, toIsoOrNull } from "../../kernel/page.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { identityStore } from "../oauth/identity-store.ts";
import type { Passkeys } from "../passkeys/passkeys.ts";
import type { EndUserSessions } from "../sessions/sessions.ts";
import type { EndUserTables } from "../tables.ts";
import type { SecondFactors } from "../totp/second-factor.ts";
import { importUsers } from "./import-users.ts";
import { showAdminUser } from "./show-admin-user.ts";
import type { UserAdmin } from "./user-admin.ts";
import { searchUsers } from "./user-search.ts";

export interface UserAdminRoutesOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly admin: UserAdmin;
  readonly sessions: EndUserSessions;
  readonly passkeys: Passkeys;
  readonly factors: SecondFactors;
}

const TAG = "End users: administration";
const USERS = "/api/v1/projects/:project/auth/users";
const USER = `${USERS}/:user`;
const MAX_IMPORT_BYTES = 8 * 1024 * 1024;

/** A project's users, for whoever manages the project. */
export function createUserAdminRoutes(options: UserAdminRoutesOptions): readonly Route[] {
  const { sql, clock, admin, sessions, passkeys, factors } = options;

  /** What is done to a user and answers with how they are afterwards. */
  const action = (
    name: string,
    summary: string,
    description: string,
    work: (projectId: string, userId: string) => Promise<unknown>,
  ): Route =>
    defineRoute({
      method: "post",
      path: `${USER}/${name}`,
      summary,
      description,
      tag: TAG,
      auth: "management",
      permission: "users.write",
      params: adminEndUserParamsSchema,
      response: { status: 200, schema: adminEndUserResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id }, params }) => {
        await work(id, params.user);
        return { user: showAdminUser(await admin.require(id, params.user)) };
      },
    });

  return [
    defineRoute({
      method: "get",
      path: USERS,
      summary: "List or search a project's users",
      description: "Newest first; what was searched for, in its own order.",
      tag: TAG,
      auth: "management",
      permission: "users.read",
      params: projectParamsSchema,
      query: listAdminEndUsersQuerySchema,
      response: { status: 200, schema: listAdminEndUsersResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id }, query }) => {
        const { items, nextCursor } = await searchUsers(sql.db, id, query);
        return { users: items.map(showAdminUser), nextCursor };
      },
    }),
    defineRoute({
      method: "post",
      path: USERS,
      summary: "Create a user",
      tag: TAG,
      auth: "management",
      permission: "users.write",
      params: projectParamsSchema,
      body: createAdminEndUserRequestSchema,
      bodyIsContent: true,
      response: { status: 201, schema: adminEndUserResponseSchema },
      errors: ["NOT_FOUND", "AUTH_USER_EXISTS", "AUTH_PASSWORD_WEAK"],
      idempotent: true,
      handler: async ({ project: { id }, body }) => {
        return { user: showAdminUser(await admin.create(id, body)) };
      },
    }),
    defineRoute({
      method: "post",
      path: `${USERS}/import`,
      summary: "Take users over from another system",
      description:
        "At most 500 in one request, with the hashes of their passwords: bcrypt, argon2, scrypt or PBKDF2. A hash is made anew when its user logs in.",
      tag: TAG,
      auth: "management",
      permission: "users.write",
      params: projectParamsSchema,
      body: importEndUsersRequestSchema,
      bodyIsContent: true,
      maxBodyBytes: MAX_IMPORT_BYTES,
      response: { status: 200, schema: importEndUsersResponseSchema },
      errors: ["NOT_FOUND"],
      idempotent: true,
      handler: async ({ project: { id }, body }) => {
        const { imported, skipped } = await importUsers({ sql, clock }, id, body.users);
        return { imported, skipped: [...skipped] };
      },
    }),
    defineRoute({
      method: "get",
      path: USER,
      summary: "Get a user",
      tag: TAG,
      auth: "management",
      permission: "users.read",
      params: adminEndUserParamsSchema,
      response: { status: 200, schema: adminEndUserResponseSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id }, params }) => {
        return { user: showAdminUser(await admin.require(id, params.user)) };
      },
    }),
    defineRoute({
      method: "patch",
      path: USER,
      summary: "Change a user",
      tag: TAG,
      auth: "management",
      permission: "users.write",
      params: adminEndUserParamsSchema,
      body: updateAdminEndUserRequestSchema,
      bodyIsContent: true,
      response: { status: 200, schema: adminEndUserResponseSchema },
      errors: ["NOT_FOUND", "AUTH_USER_EXISTS", "AUTH_PASSWORD_WEAK"],
      handler: async ({ project: { id }, params, body }) => {
        return { user: showAdminUser(await admin.update(id, params.user, body)) };
      },
    }),
    defineRoute({
      method: "delete",
      path: USER,
      summary: "Delete a user with everything of theirs",
      tag: TAG,
      auth: "management",
      permission: "users.write",
      params: adminEndUserParamsSchema,
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id }, params }) => {
        await admin.delete(id, params.user);
        return { success: true as const };
      },
    }),
    action("block", "Block a user", "They cannot log in; their sessions end within a second.", admin.block),
    action("unblock", "Let a blocked user in again", "Their old sessions stay ended.", admin.unblock),
    action("end-sessions", "End every session of a user", "Within a second, on every server.", admin.endSessions),
    action(
      "reset-factors",
      "Remove a user's second factors",
      "Authenticator app, recovery codes and passkeys, for who has lost them.",
      admin.resetFactors,
    ),
    defineRoute({
      method: "get",
      path: `${USER}/export`,
      summary: "Get all that is held about a user",
      description: "For a person who asks for a copy of their data. No credential is part of it.",
      tag: TAG,
      auth: "management",
      permission: "users.read",
      params: adminEndUserParamsSchema,
      response: { status: 200, schema: adminEndUserExportSchema },
      errors: ["NOT_FOUND"],
      handler: async ({ project: { id }, params }) => {
        const user = await admin.require(id, params.user);
        const identities = await identityStore.listOf(sql.db, user.id);
        return {
          user: showAdminUser(user),
          identities: identities.map(({ provider, email, created_at }) => ({
            provider,
            email,
            createdAt: toIso(created_at),
          })),
          sessions: (await sessions.list(user.id)).map((row) => ({
            id: row.id,
            createdAt: toIso(row.created_at),
            lastUsedAt: toIso(row.last_used_at),
            ip: row.ip,
            userAgent: row.user_agent,
            methods: row.methods.split(" "),
          })),
          passkeys: (await passkeys.list(user.id)).map((row) => ({
            id: row.id,
            name: row.name,
            createdAt: toIso(row.created_at),
            lastUsedAt: toIsoOrNull(row.last_used_at),
            backedUp: row.is_backed_up === 1,
          })),
          totp: await factors.isActive(user.id),
        };
      },
    }),
  ];
}
