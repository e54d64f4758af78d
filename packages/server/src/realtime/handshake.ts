import type { IncomingMessage } from "node:http";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { tokenRefusal } from "../endusers/sessions/token-refusal.ts";
import type { VerifiedEndUser } from "../endusers/sessions/token-verifier.ts";
import type { Principal } from "../keys/principal.ts";
import { can, type ProjectPlace } from "../teams/permissions.ts";
import type { Speaker } from "./permissions.ts";
import type { SessionOwner } from "./session-store.ts";
import type { TopicProject } from "./topics.ts";

export const REALTIME_PATH = "/api/realtime";
export const PREFERRED_PROTOCOL = "aerostack-v1";
const KEY_PROTOCOL = "aerostack-key.";
const TOKEN_PROTOCOL = "aerostack-token.";
const MAX_USER_ID_CHARACTERS = 200;

/** What a connection was opened with: looked at again while it lasts. */
export interface Credentials {
  readonly key: string | undefined;
  /** Where the client is, because a key may be meant for some addresses only. */
  readonly address: string;
  readonly token: string | undefined;
}

/** Who wants to connect, to what. */
export interface Admitted {
  readonly project: TopicProject;
  readonly speaker: Speaker;
  readonly owner: SessionOwner;
  readonly credentials: Credentials;
  /** Why the token that was offered is not taken; the client may send another over the connection. */
  readonly tokenRefusal: AerostackError | null;
}

export interface HandshakeOptions {
  readonly resolveKey: (credential: string, clientAddress: string) => Principal | null | Promise<Principal | null>;
  /** Where a request comes from, as far as proxies are trusted. */
  readonly clientAddressOf: (req: IncomingMessage) => string;
  readonly findProject: (ref: string) => Promise<(TopicProject & ProjectPlace) | undefined>;
  readonly clock: Clock;
  readonly verifyToken: (projectId: string, token: string) => VerifiedEndUser | null | Promise<VerifiedEndUser | null>;
}

interface Offer {
  readonly key: string | undefined;
  readonly token: string | undefined;
  readonly projectRef: string | undefined;
  /** As the client says it; believed of those who hold a secret key. */
  readonly userId: string | null;
}

function offeredProtocols(req: IncomingMessage): string[] {
  return (req.headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim());
}

/** The sub-protocol to answer with: clients fail the connection where none of those they offered is selected. */
export function selectProtocol(offered: Iterable<string>): string | false {
  let fallback: string | false = false;
  for (const protocol of offered) {
    if (protocol === PREFERRED_PROTOCOL) return protocol;
    if (fallback === false && (protocol.startsWith(KEY_PROTOCOL) || protocol.startsWith(TOKEN_PROTOCOL)))
      fallback = protocol;
  }
  return fallback;
}

/** Credentials stand wherever clients can put them: sub-protocols, headers, the query. */
function readOffer(req: IncomingMessage): Offer {
  const { searchParams } = new URL(req.url ?? "/", "http://realtime");
  const protocols = offeredProtocols(req);
  const protocol = (prefix: string): string | undefined =>
    protocols.find((one) => one.startsWith(prefix))?.slice(prefix.length);
  const header = (name: string): string | undefined => {
    const value = req.headers[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const bearer = /^bearer (.+)$/i.exec(header("authorization") ?? "")?.[1];
  const isJwt = (text: string | undefined): boolean => text?.split(".").length === 3;
  return {
    key:
      protocol(KEY_PROTOCOL) ??
      header("x-aerostack-key") ??
      header("x-api-key") ??
      searchParams.get("apiKey") ??
      (isJwt(bearer) ? undefined : bearer),
    token: protocol(TOKEN_PROTOCOL) ?? searchParams.get("token") ?? (isJwt(bearer) ? bearer : undefined),
    projectRef: searchParams.get("projectId") ?? undefined,
    userId: searchParams.get("userId")?.slice(0, MAX_USER_ID_CHARACTERS) ?? null,
  };
}

/**
 * Lets a client in by a key, a user's token, or both. A project that the credential does not open is refused like one that
 * is not there.
 */
export function createHandshake({ resolveKey, clientAddressOf, findProject, verifyToken, clock }: HandshakeOptions) {
  return async function admit(req: IncomingMessage): Promise<Admitted> {
    const offer = readOffer(req);
    const address = clientAddressOf(req);
    const principal = offer.key === undefined ? null : await resolveKey(offer.key, address);
    if (offer.key !== undefined && principal === null) throw new AerostackError("AUTH_INVALID_KEY");
    if (principal === null && offer.token === undefined) throw new AerostackError("AUTH_INVALID_KEY");
    const ref = offer.projectRef ?? (principal?.kind === "project" ? principal.projectId : undefined);
    if (ref === undefined) {
      throw new AerostackError("VALIDATION_ERROR", { message: "Name the project: /api/realtime?projectId=…" });
    }
    const project = await findProject(ref);
    // By a key one speaks with every right that realtime knows.
    const opens = project !== undefined && (principal === null || can(principal, "data.write", project));
    const refusal = offer.token === undefined ? null : tokenRefusal(offer.token, clock.now());
    // The same for a project that is not there: it has no users.
    if (!opens) throw principal === null && refusal !== null ? refusal : new AerostackError("AUTH_INVALID_KEY");
    const user = offer.token === undefined ? null : await verifyToken(project.id, offer.token);
    if (principal === null && user === null && refusal !== null) throw refusal;
    const isPublic = principal?.kind === "project" && principal.access === "public";
    const access = principal === null ? null : isPublic ? "public" : "secret";
    return {
      project: { id: project.id, slug: project.slug },
      speaker: { access, user, limits: principal?.limits },
      owner: {
        projectId: project.id,
        credential: principal?.credentialId ?? user?.userId ?? "",
        userId: user?.userId ?? offer.userId,
        // A key alone is many people's: where nothing else tells them apart, the address has to.
        address: user === null && offer.userId === null ? address : "",
      },
      credentials: { key: offer.key, address, token: user === null ? undefined : offer.token },
      tokenRefusal: user === null ? refusal : null,
    };
  };
}

/** Whether a connection's key and token still hold: keys are revoked, tokens run out, users are blocked, members leave. */
export async function holdCredentials(
  { resolveKey, findProject, verifyToken }: HandshakeOptions,
  projectId: string,
  { key, address, token }: Credentials,
): Promise<boolean> {
  const principal = key === undefined ? undefined : await resolveKey(key, address);
  if (principal === null) return false;
  if (principal?.kind === "account") {
    const project = await findProject(projectId);
    if (project === undefined || !can(principal, "data.write", project)) return false;
  }
  return token === undefined || (await verifyToken(projectId, token)) !== null;
}
