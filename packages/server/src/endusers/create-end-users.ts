import { type Clock, deriveKey } from "@aerostack/kernel";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Envelope } from "../kernel/crypto/envelope.ts";
import type { PasswordHasher } from "../kernel/crypto/password-hash.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import type { Logger } from "../kernel/log.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { FindProject } from "../projects/find-project.ts";
import { createAuthRequests } from "./auth-route.ts";
import { createEndUserOperations } from "./operations.ts";
import { createEndUserRoutes } from "./routes.ts";
import { createEndUserService } from "./service.ts";
import { createEndUserAccessTokens } from "./sessions/access-tokens.ts";
import { createRefreshTokens } from "./sessions/refresh-tokens.ts";
import { createEndUserSessions } from "./sessions/sessions.ts";
import { createSigningKeys } from "./sessions/signing-keys.ts";
import { createTokenVerifier } from "./sessions/token-verifier.ts";
import { createEndUserSettingsRoutes } from "./settings/routes.ts";
import { createEndUserSettings } from "./settings/settings.ts";
import type { EndUserTables } from "./tables.ts";
import { createEndUserDirectory } from "./users/user-directory.ts";

export interface EndUsersOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly limiter: Limiter;
  readonly hasher: PasswordHasher;
  readonly envelope: Envelope;
  /** 32 bytes that all servers of the installation share; keys of our own are derived from it. */
  readonly installationKey: Uint8Array;
  readonly log: Logger;
  /** Where clients reach the server; named in access tokens. */
  readonly origin: string;
  /** For whoever manages a project. */
  readonly findProject: FindProject;
  /** By slug or id, whoever asks. */
  readonly findPublicProject: (slugOrId: string) => Promise<{ readonly id: string } | undefined>;
}

/**
 * The users of projects: how they sign up, log in and stay logged in. Each project's users are its own; nothing here is an
 * account of this installation.
 */
export function createEndUsers(options: EndUsersOptions) {
  const { clock, changes, limiter, hasher, envelope, log, origin } = options;
  const sql = options.sql.withTables<EndUserTables>();
  const settings = createEndUserSettings({ sql, clock, changes });
  const keys = createSigningKeys({ sql, clock, changes, envelope });
  const accessTokens = createEndUserAccessTokens({ clock, keys, origin });
  const sessions = createEndUserSessions({
    sql,
    clock,
    changes,
    accessTokens,
    refreshTokens: createRefreshTokens(deriveKey(options.installationKey, "end-user-refresh-token")),
    settings,
    claimsOf: async () => ({}),
    log,
  });
  const verifyToken = createTokenVerifier({ sql, clock, changes, accessTokens, settings });
  const directory = createEndUserDirectory(sql);
  const service = createEndUserService({ sql, clock, hasher, limiter, settings, sessions });
  const requests = createAuthRequests({ clock, findProject: options.findPublicProject, verifyToken });

  return {
    /** Who an access token stands for, for capabilities that serve end users. */
    verifyToken,
    getUser: directory.getUser,
    getUserByEmail: directory.getUserByEmail,
    removeExpired: sessions.removeExpired,
    operations: createEndUserOperations(service),
    routes: [
      ...createEndUserRoutes({ requests, service, sessions, keys, directory, verifyToken }),
      ...createEndUserSettingsRoutes({ settings, keys, findProject: options.findProject }),
    ],
  };
}

export type EndUsers = ReturnType<typeof createEndUsers>;
