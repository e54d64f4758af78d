import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { EndUserCaller } from "./sessions/sessions.ts";
import { tokenRefusal } from "./sessions/token-refusal.ts";
import type { VerifiedEndUser, VerifyEndUserToken } from "./sessions/token-verifier.ts";

export const END_USER_AUTH_PATH = "/api/v1/public/projects/:project/auth";
export const END_USER_TAG = "End users";

/** What every end-user route asks first: which project, who calls, from where. */
export interface AuthRequests {
  /** @throws NOT_FOUND */
  requireProject(slugOrId: string): Promise<PublicProject>;
  /** @throws NOT_FOUND */
  projectIdOf(slugOrId: string): Promise<string>;
  /** The user whose access token the request carries. @throws AUTH_TOKEN_INVALID · AUTH_TOKEN_EXPIRED */
  userOf(projectId: string, request: Request): Promise<VerifiedEndUser>;
  /** The anonymous user who calls; undefined for everybody else. */
  anonymousUserIdOf(projectId: string, request: Request): Promise<string | undefined>;
  bearerOf(request: Request): string | undefined;
  callerOf(input: { readonly request: Request; readonly clientAddress: string }): EndUserCaller;
}

/** What anybody may know of a project. */
export interface PublicProject {
  readonly id: string;
  readonly name: string;
}

export interface AuthRequestsOptions {
  readonly clock: Clock;
  readonly findProject: (slugOrId: string) => Promise<PublicProject | undefined>;
  readonly verifyToken: VerifyEndUserToken;
}

export function createAuthRequests({ clock, findProject, verifyToken }: AuthRequestsOptions): AuthRequests {
  async function requireProject(slugOrId: string): Promise<PublicProject> {
    const project = await findProject(slugOrId);
    if (project === undefined) throw new AerostackError("NOT_FOUND", { message: "There is no such project." });
    return project;
  }

  return {
    requireProject,
    projectIdOf: async (slugOrId) => (await requireProject(slugOrId)).id,
    async userOf(projectId, request) {
      const token = bearerOf(request);
      const user = token === undefined ? null : await verifyToken(projectId, token);
      if (user !== null) return user;
      if (token !== undefined) throw tokenRefusal(token, clock.now());
      throw new AerostackError("AUTH_TOKEN_INVALID", {
        message: "This address needs an access token.",
        fix: "Send 'Authorization: Bearer <access token>'; use the refresh token or log in to get one.",
      });
    },
    async anonymousUserIdOf(projectId, request) {
      const token = bearerOf(request);
      const user = token === undefined ? null : await verifyToken(projectId, token);
      return user?.isAnonymous === true ? user.userId : undefined;
    },
    bearerOf,
    callerOf: ({ request, clientAddress }) => ({ ip: clientAddress, userAgent: request.headers.get("user-agent") }),
  };
}

function bearerOf(request: Request): string | undefined {
  const [, token] = /^bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "") ?? [];
  return token;
}
