// For tests only: a project with end users on a real database, with a clock that the test moves.
import { randomBytes } from "node:crypto";
import { createManualClock, type ManualClock } from "@aerostack/kernel";
import { createChallengeVerifier } from "../identity/verify-challenge.ts";
import type { Bus } from "../kernel/bus/bus.ts";
import { createEnvelope } from "../kernel/crypto/envelope.ts";
import { createLogger } from "../kernel/log.ts";
import { createOutgoing } from "../kernel/outgoing.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { createTestApp, createTestSecrets, TEST_PASSWORD, TEST_START_MS, type TestAnswer } from "../testing.ts";
import { createEndUsers, type EndUsers, type EndUsersOptions } from "./create-end-users.ts";
import type { AvatarStorage } from "./profile/avatars.ts";

export interface EndUserTestOptions extends Partial<EndUsersOptions> {
  readonly bus?: Bus;
  /** PBKDF2 rounds; few by default, so that tests of anything else do not wait. */
  readonly passwordIterations?: number;
}

export const ORIGIN = "http://aerostack.test";
/** Whoever has the same keys is a server of the same installation. */
const SHARED = { installationKey: randomBytes(32), secrets: createTestSecrets() };

export interface OutboxEntry {
  readonly kind: string;
  readonly channel: string;
  readonly status: string;
  readonly message: { readonly to: string; readonly subject: string; readonly text: string; readonly html?: string };
}

/** The token in a message's link. */
export function tokenIn(entry: OutboxEntry | undefined): string {
  return linkIn(entry).searchParams.get("token") ?? "";
}

export function linkIn(entry: OutboxEntry | undefined): URL {
  return new URL(/^\S+:\S+$/m.exec(entry?.message.text ?? "")?.[0] ?? "");
}

/** The code in a message. */
export function codeIn(entry: OutboxEntry | undefined): string {
  return /\b\d{6}\b/.exec(entry?.message.text ?? "")?.[0] ?? "";
}

interface AuthCallOptions {
  readonly body?: unknown;
  readonly token?: string;
  /** Address of the caller; by default a new one for each call, so that limits per address stay out of the way. */
  readonly ip?: string;
  readonly headers?: Record<string, string>;
}

export async function createEndUserTest(sql: Sql<unknown>, options: EndUserTestOptions = {}) {
  const clock = (options.clock ?? createManualClock(TEST_START_MS)) as ManualClock;
  const projectLog: string[] = [];
  const pictures = new Map<string, Uint8Array<ArrayBuffer>>();
  let endUsers: EndUsers | undefined;
  const test = await createTestApp(sql, {
    clock,
    secrets: SHARED.secrets,
    trustProxy: ["true"],
    ...(options.bus === undefined ? {} : { bus: options.bus }),
    ...(options.limiter === undefined ? {} : { limiter: options.limiter }),
    ...(options.passwordIterations === undefined ? {} : { passwordIterations: options.passwordIterations }),
    extraRoutes(controlPlane) {
      endUsers = createEndUsers({
        sql,
        clock,
        changes: controlPlane.changes,
        audit: controlPlane.audit,
        limiter: controlPlane.limiter,
        blocks: controlPlane.blocks.check,
        holds: controlPlane.holds,
        hasher: controlPlane.hasher,
        envelope: createEnvelope(SHARED.secrets.masterKeys),
        installationKey: SHARED.installationKey,
        log: createLogger({ level: "debug", destination: { write: (line) => void logLines.push(line) } }),
        origin: ORIGIN,
        findPublicProject: controlPlane.projects.find,
        mailSender: null,
        minRefusalMs: 0,
        callFunction: () => Promise.reject(new Error("there are no functions here")),
        outgoing: createOutgoing(),
        verifyChallenge: createChallengeVerifier({
          fetch: (options.outgoing ?? createOutgoing()).fetch,
          url: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
        }),
        avatarStorage: createMemoryAvatars(pictures),
        logToProject: (projectId, message) => void projectLog.push(`${projectId}: ${message}`),
        ...options,
      });
      return endUsers.routes;
    },
  });
  const logLines = test.logLines;
  if (endUsers === undefined) throw new Error("the routes were not asked for");
  const started = endUsers;
  let calls = 0;

  /** Calls below a project's auth address. */
  async function auth(
    project: { readonly slug: string },
    method: string,
    path: string,
    { body, token, ip, headers }: AuthCallOptions = {},
  ): Promise<TestAnswer> {
    calls++;
    // What comes later is newer, and what an answer did not wait for is done before the next call.
    clock.advance(1);
    const answer = await test.call(method, `/api/v1/public/projects/${project.slug}/auth${path}`, {
      ...(body === undefined ? {} : { body }),
      headers: {
        "x-forwarded-for": ip ?? `10.${(calls >> 16) & 255}.${(calls >> 8) & 255}.${calls & 255}`,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
    });
    await started.idle();
    return answer;
  }

  return {
    ...test,
    clock,
    endUsers: started,
    projectLog,
    /** Stored pictures by project and key. */
    pictures,
    auth,
    /** A project of its own developer, and short ways to call its auth addresses and its settings. */
    async createProject(name = "Shop") {
      const developer = await test.createDeveloper(`${name.toLowerCase()}-owner-${++calls}@example.com`);
      const project = await developer.createProject(name);
      return {
        ...project,
        developer,
        auth: (method: string, path: string, call?: AuthCallOptions) => auth(project, method, path, call),
        set: (patch: Record<string, unknown>) =>
          developer.call("PATCH", `/api/v1/projects/${project.id}/auth/settings`, patch),
        register: (email: string, extra: Record<string, unknown> = {}) =>
          auth(project, "POST", "/register", { body: { email, password: TEST_PASSWORD, ...extra } }),
        login: (email: string, password = TEST_PASSWORD) =>
          auth(project, "POST", "/login", { body: { email, password } }),
        /** Everything in the outbox, newest first, once nothing is on its way there. */
        async outbox(): Promise<OutboxEntry[]> {
          await started.idle();
          const { body } = await developer.call("GET", `/api/v1/projects/${project.id}/auth/outbox?limit=200`);
          return body.messages;
        },
      };
    },
  };
}

/** Storage of pictures without a data host; the real one is held to the same in the end-to-end tests. */
function createMemoryAvatars(pictures: Map<string, Uint8Array<ArrayBuffer>>): AvatarStorage {
  return {
    async put(projectId, key, bytes) {
      pictures.set(`${projectId}/${key}`, new Uint8Array(bytes));
    },
    async get(projectId, key) {
      const bytes = pictures.get(`${projectId}/${key}`);
      return bytes === undefined ? null : { content: new Blob([bytes]).stream(), size: bytes.length };
    },
    async delete(projectId, key) {
      pictures.delete(`${projectId}/${key}`);
    },
  };
}

export type EndUserTest = Awaited<ReturnType<typeof createEndUserTest>>;
