import { AerostackClientError } from "./client-error.ts";
import type { Connection } from "./connection.ts";

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string | null;
  readonly emailVerified: boolean;
  readonly createdAt: string;
  readonly customFields: Readonly<Record<string, unknown>>;
  readonly avatar_url?: string | null;
}

export interface Session {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** ISO 8601. */
  readonly expiresAt: string;
  readonly user: User;
}

/** Where a session lives between two runs. Keep it in memory in a browser, in a file or keychain elsewhere. */
export interface SessionStore {
  load(): Promise<Session | null> | Session | null;
  save(session: Session | null): Promise<void> | void;
}

export type Identifier = { readonly email: string } | { readonly phone: string };

interface AuthAnswer {
  readonly token?: string;
  readonly accessToken?: string;
  readonly refreshToken?: string;
  readonly expiresAt?: string;
  readonly user?: User;
  readonly requiresVerification?: boolean;
}

/** A token is renewed this long before it ends, so that none ends on its way to the server. */
const RENEW_EARLY_MS = 30_000;

function memoryStore(): SessionStore {
  let kept: Session | null = null;
  return {
    load: () => kept,
    save(session) {
      kept = session;
    },
  };
}

/** The users of a project: who is signed in, and with which tokens. It renews them by itself, once for all who wait. */
export function createAuth(connection: Connection, store: SessionStore = memoryStore()) {
  let session: Session | null | undefined;
  let renewing: Promise<boolean> | undefined;
  const listeners = new Set<(session: Session | null) => void>();

  function base(): string {
    const { project } = connection.options;
    if (project === undefined) throw new TypeError("createClient({ project }) is needed for auth: an id or a slug.");
    return `/api/v1/public/projects/${encodeURIComponent(project)}/auth`;
  }

  async function current(): Promise<Session | null> {
    if (session === undefined) session = await store.load();
    return session;
  }

  async function keep(next: Session | null): Promise<void> {
    session = next;
    await store.save(next);
    for (const listener of listeners) listener(next);
  }

  const post = <Answer = AuthAnswer>(path: string, json: unknown): Promise<Answer> =>
    connection.json<Answer>({ path: base() + path, json, withCredentials: false });

  async function bearer(): Promise<Readonly<Record<string, string>>> {
    const token = await accessToken();
    if (token === undefined) {
      throw new AerostackClientError({ code: "AUTH_TOKEN_INVALID", message: "Nobody is signed in.", status: 401 });
    }
    return { authorization: `Bearer ${token}` };
  }

  async function begin(answer: AuthAnswer): Promise<Session | null> {
    const { accessToken: token = answer.token, refreshToken, expiresAt, user } = answer;
    if (token === undefined || refreshToken === undefined || expiresAt === undefined || user === undefined) return null;
    await keep({ accessToken: token, refreshToken, expiresAt, user });
    return session ?? null;
  }

  async function signedIn(answer: AuthAnswer): Promise<Session> {
    const begun = await begin(answer);
    if (begun === null) {
      const message = "The server issued no session.";
      throw new AerostackClientError({ code: "UNKNOWN_ERROR", message, status: 200 });
    }
    return begun;
  }

  function renew(): Promise<boolean> {
    renewing ??= renewOnce().finally(() => {
      renewing = undefined;
    });
    return renewing;
  }

  async function renewOnce(): Promise<boolean> {
    const before = await current();
    if (before === null) return false;
    try {
      const answer = await post("/refresh", { refreshToken: before.refreshToken });
      return (await begin({ user: before.user, ...answer })) !== null;
    } catch (error) {
      // Only the server's word ends a session; a network that fails does not.
      if (error instanceof AerostackClientError && (error.status === 401 || error.status === 403)) await keep(null);
      else throw error;
      return false;
    }
  }

  async function accessToken(): Promise<string | undefined> {
    const now = await current();
    if (now === null) return undefined;
    if (Date.parse(now.expiresAt) - Date.now() > RENEW_EARLY_MS) return now.accessToken;
    return (await renew()) ? (await current())?.accessToken : undefined;
  }

  connection.useTokens({ accessToken, renew });

  return {
    /** Null without a session where the user's address must be verified first. */
    async register(details: {
      readonly email: string;
      readonly password: string;
      readonly name?: string;
      readonly customFields?: Readonly<Record<string, unknown>>;
    }): Promise<Session | null> {
      return await begin(await post("/register", details));
    },
    async login(email: string, password: string): Promise<Session> {
      return await signedIn(await post("/login", { email, password }));
    },
    /** Sends a code of six digits by e-mail or text message. */
    async sendCode(to: Identifier): Promise<void> {
      await post("/otp/send", to);
    },
    async verifyCode(to: Identifier, code: string): Promise<Session> {
      return await signedIn(await post("/otp/verify", { ...to, code }));
    },
    async verifyEmail(token: string): Promise<void> {
      await connection.json({
        method: "GET",
        path: `${base()}/verify-email`,
        query: { token },
        withCredentials: false,
      });
    },
    async resendVerification(email: string): Promise<void> {
      await post("/resend-verification", { email });
    },
    async requestPasswordReset(email: string): Promise<void> {
      await post("/reset-password-request", { email });
    },
    async resetPassword(token: string, newPassword: string): Promise<void> {
      await post("/reset-password", { token, newPassword });
    },
    /** Ends the session here and on the server; here also when the server is not reached. */
    async logout(): Promise<void> {
      const ending = await current();
      if (ending === null) return;
      await keep(null);
      await connection.json({
        path: `${base()}/logout`,
        json: { accessToken: ending.accessToken, refreshToken: ending.refreshToken },
        headers: { authorization: `Bearer ${ending.accessToken}` },
        withCredentials: false,
      });
    },
    /** Who is signed in, as the server knows them now. */
    async me(): Promise<User> {
      const answer = await connection.json<{ user: User }>({
        method: "GET",
        path: `${base()}/me`,
        headers: await bearer(),
        withCredentials: false,
        isRepeatable: true,
      });
      return answer.user;
    },
    async updateMe(changes: {
      readonly name?: string;
      readonly avatar_url?: string;
      readonly customFields?: Readonly<Record<string, unknown>>;
    }): Promise<User> {
      const answer = await connection.json<{ user: User }>({
        method: "PATCH",
        path: `${base()}/me`,
        json: changes,
        headers: await bearer(),
        withCredentials: false,
      });
      return answer.user;
    },
    /** The session as it is known here; null when nobody is signed in. */
    session: current,
    /** A valid access token, renewed where that is due. */
    accessToken,
    /** Told of every log-in, renewal and end of a session. Returns what ends the subscription. */
    onChange(listener: (session: Session | null) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

export type Auth = ReturnType<typeof createAuth>;
