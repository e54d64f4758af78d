import { AerostackError } from "@aerostack/contracts";
import { tokenRefusal } from "../endusers/sessions/token-refusal.ts";
import type { Principal } from "../keys/principal.ts";
import { can } from "../teams/permissions.ts";
import type { HandshakeOptions } from "./handshake.ts";
import type { Speaker } from "./permissions.ts";
import type { TopicProject } from "./topics.ts";

export interface HttpCaller {
  readonly project: TopicProject;
  readonly speaker: Speaker;
  /** The user's token, to be looked at again while an answer lasts. */
  readonly token: string | undefined;
}

/**
 * Who asks over HTTP: by key, by a user's token, or both. A project that the credential does not open is refused like one
 * that is not there.
 *
 * @param ref names the project for callers whose key does not
 */
export async function identifyCaller(
  { findProject, verifyToken, clock }: Pick<HandshakeOptions, "findProject" | "verifyToken" | "clock">,
  principal: Principal | null,
  request: Request,
  ref: string,
): Promise<HttpCaller> {
  const project = await findProject(principal?.kind === "project" ? principal.projectId : ref);
  // By a key one speaks with every right that realtime knows.
  const isTheirs = project !== undefined && (principal === null || can(principal, "data.write", project));
  const bearer = /^bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  // Browsers' EventSource sends no headers of one's own.
  const token = bearer ?? new URL(request.url).searchParams.get("token") ?? undefined;
  // The same for a project that is not there: it has no users.
  const refuse = (): never => {
    if (principal !== null || token === undefined) throw new AerostackError("AUTH_INVALID_KEY");
    throw tokenRefusal(token, clock.now());
  };
  if (!isTheirs) return refuse();
  const user = token === undefined ? null : await verifyToken(project.id, token);
  if (principal === null && user === null) return refuse();
  const isPublic = principal?.kind === "project" && principal.access === "public";
  const access = principal === null ? null : isPublic ? "public" : "secret";
  return {
    project: { id: project.id, slug: project.slug },
    speaker: { access, user, limits: principal?.limits },
    token: user === null ? undefined : token,
  };
}
