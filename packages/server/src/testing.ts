// For tests only: the management application on a real database, with a clock that the test moves.
import { generateKeyPairSync, randomBytes, randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileBlobStore, createManualClock } from "@aerostack/kernel";
import { type ControlPlaneOptions, createControlPlane } from "./control-plane.ts";
import { createApp } from "./edge/create-app.ts";
import type { Route } from "./edge/define-route.ts";
import { createIdempotency } from "./edge/idempotency.ts";
import { createRefusalNotes } from "./edge/refusal-notes.ts";
import type { InspectBody } from "./front-door/firewall/body-guard.ts";
import { createMemoryBus } from "./kernel/bus/memory-bus.ts";
import { createEnvelope } from "./kernel/crypto/envelope.ts";
import { createLifecycle } from "./kernel/lifecycle.ts";
import { createMemoryLimiter } from "./kernel/limiter/memory-limiter.ts";
import { createLogger } from "./kernel/log.ts";
import type { MessageSender } from "./kernel/messages/message.ts";
import { createOutbox } from "./kernel/messages/outbox.ts";
import type { Secrets } from "./kernel/secrets.ts";
import type { Sql } from "./kernel/sql/index.ts";
import { createSupport } from "./support/create-support.ts";
import { ensureControlTables } from "./testing-database.ts";

export const TEST_START_MS = Date.UTC(2026, 5, 1);
/** All servers of a test are of one installation. */
const TEST_INSTALLATION_KEY = new Uint8Array(32).fill(7);
const TEST_DAY_MS = 24 * 60 * 60_000;
export const TEST_PASSWORD = "Correct-Horse-7";

export interface TestAnswer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape and assert what they find
  readonly body: any;
}

type ControlPlane = ReturnType<typeof createControlPlane>;

export interface TestAppOptions extends Partial<ControlPlaneOptions> {
  /** Of capabilities beside the control plane; as a function, they may use its parts. */
  readonly extraRoutes?: readonly Route[] | ((controlPlane: ControlPlane) => readonly Route[]);
  readonly projectPerMinute?: number;
  readonly anonymousPerMinute?: number;
  /** Told of the path of each call that the limits refuse. */
  readonly onRefused?: (path: string) => void;
  readonly trustProxy?: readonly string[];
  /** Looks at bodies, as the front door does. */
  readonly inspectBody?: InspectBody;
  /** Sends the mail to accounts; without it they stay in the outbox. */
  readonly mailSender?: MessageSender;
  /** Signs mail that is handed over to support. */
  readonly supportInboundSecret?: string;
}

export function createTestSecrets(): Secrets {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { d, ...publicJwk } = privateKey.export({ format: "jwk" }) as Record<string, string>;
  const privateJwk = { ...publicJwk, ...(d === undefined ? {} : { d }) };
  return {
    masterKeys: [{ id: "test", key: randomBytes(32) }],
    signingKeys: [{ kid: "test", privateJwk, publicJwk }],
  };
}

/** Another application on the same database is another server of the same installation. */
export async function createTestApp(sql: Sql<unknown>, options: TestAppOptions = {}) {
  await ensureControlTables(sql);
  const clock = options.clock ?? createManualClock(TEST_START_MS);
  const logLines: string[] = [];
  const log = createLogger({ level: "debug", destination: { write: (line) => void logLines.push(line) } });
  const limiter = options.limiter ?? createMemoryLimiter({ clock });
  const secrets = options.secrets ?? createTestSecrets();
  const outbox = createOutbox({
    sql,
    clock,
    envelope: createEnvelope(secrets.masterKeys),
    findSender: async (_projectId, channel) => (channel === "mail" ? (options.mailSender ?? null) : null),
    log,
  });
  const controlPlane = createControlPlane({
    sql,
    bus: createMemoryBus(),
    lifecycle: createLifecycle(log),
    signUp: "open",
    sessionLifetimes: { idleMs: 30 * TEST_DAY_MS, absoluteMs: 90 * TEST_DAY_MS },
    requireConfirmedEmail: false,
    installationKey: TEST_INSTALLATION_KEY,
    logInProviders: [],
    defaultPlan: "self-hosted",
    origin: () => "http://aerostack.test",
    outbox: () => outbox,
    canSendMail: options.mailSender !== undefined,
    issuer: "http://aerostack.test",
    projectUrl: ({ slug }) => `http://aerostack.test/f/${slug}`,
    deployStarter: async () => undefined,
    describeCollections: async () => [],
    outsideFetch: async (url) => {
      throw new Error(`a test reached for ${url}`);
    },
    resolveTxt: async () => [],
    pictures: {
      // Made by the first picture, so by none of most tests.
      blobs: createFileBlobStore({
        directory: join(tmpdir(), `aerostack-pictures-${randomUUID()}`),
        sealKey: TEST_INSTALLATION_KEY,
        idKey: TEST_INSTALLATION_KEY,
        clock,
      }),
      draw: async () => {
        throw new Error("a test draws pictures without saying how");
      },
    },
    fetch: async (url) => {
      throw new Error(`a test reached for ${url}`);
    },
    challengeVerifyUrl: "http://challenge.test",
    passwordIterations: 1_000,
    ...options,
    clock,
    log,
    limiter,
    secrets,
  });
  const support = createSupport({
    sql,
    clock,
    limiter,
    log,
    lifecycle: createLifecycle(log),
    audit: controlPlane.audit,
    notices: controlPlane.notices,
    outbox: () => outbox,
    origin: () => "http://aerostack.test",
    linkKey: secrets.masterKeys[0].key,
    mailbox: "support@aerostack.test",
    inboundSecret: options.supportInboundSecret,
    accounts: controlPlane.accounts,
  });
  const { extraRoutes = [] } = options;
  const app = createApp({
    log,
    limiter,
    limits: { anonymousPerMinute: options.anonymousPerMinute ?? 0, projectPerMinute: options.projectPerMinute ?? 0 },
    trustProxy: options.trustProxy,
    ...(options.onRefused === undefined ? {} : { onRefused: options.onRefused }),
    hsts: false,
    audit: controlPlane.audit,
    resolvePrincipal: controlPlane.resolver.resolve,
    places: controlPlane.places,
    requireFreshProof: controlPlane.requireFreshProof,
    noteRefusal: createRefusalNotes({
      audit: controlPlane.audit,
      limiter,
      background: controlPlane.background,
      findProject: controlPlane.projects.find,
      findOrganisation: controlPlane.findOrganisation,
    }),
    idempotency: createIdempotency({ sql, clock, envelope: createEnvelope(secrets.masterKeys) }),
    ...(options.inspectBody === undefined ? {} : { inspectBody: options.inspectBody }),
    routes: [
      ...controlPlane.routes,
      ...support.routes,
      ...(typeof extraRoutes === "function" ? extraRoutes(controlPlane) : extraRoutes),
    ],
    pages: [controlPlane.addPages, support.addPages],
  });

  async function call(
    method: string,
    path: string,
    { body, headers }: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<TestAnswer> {
    const answer = await app.request(path, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const json = answer.headers.get("content-type")?.includes("json") === true;
    return { status: answer.status, headers: answer.headers, body: json ? JSON.parse(text) : text };
  }

  /** Somebody with an account, a session and an account key. */
  async function createDeveloper(email: string) {
    // The limit on registrations is not what most tests are about.
    if ("advance" in clock) (clock as ReturnType<typeof createManualClock>).advance(60_000);
    const registered = await call("POST", "/api/auth/register", {
      body: { email, password: TEST_PASSWORD, ageConfirmed: true },
    });
    const bearer = { authorization: `Bearer ${registered.body.token}` };
    const made = await call("POST", "/api/v1/account/keys", { body: { name: "test" }, headers: bearer });
    const accountKey: string = made.body.secret;
    const asDeveloper = (method: string, path: string, body?: unknown) =>
      call(method, path, { headers: { "x-api-key": accountKey }, ...(body === undefined ? {} : { body }) });
    return {
      email,
      bearer,
      accountKey,
      accountKeyId: made.body.key.id as string,
      refreshToken: registered.body.refreshToken as string,
      user: registered.body.user as { id: string },
      call: asDeveloper,
      async createProject(name: string) {
        const { body } = await asDeveloper("POST", "/api/v1/projects", { name });
        return body.project as { id: string; slug: string; name: string; organisationId: string };
      },
      async createKey(project: { id: string }, kind: "public" | "secret", extra: Record<string, unknown> = {}) {
        const { body } = await asDeveloper("POST", `/api/v1/projects/${project.id}/keys`, {
          name: kind,
          kind,
          ...extra,
        });
        return { id: body.key.id as string, secret: body.secret as string };
      },
    };
  }

  /** The mail to accounts that nobody has sent yet, oldest first. */
  async function readMail(to?: string) {
    await controlPlane.idle();
    await support.idle();
    await outbox.idle();
    const { items } = await outbox.list(null, { limit: 100 });
    return items
      .toReversed()
      .flatMap(({ kind, message }) => (message === null ? [] : [{ kind, ...message }]))
      .filter((mail) => to === undefined || mail.to === to);
  }

  return {
    app,
    call,
    createDeveloper,
    readMail,
    clock: clock as ReturnType<typeof createManualClock>,
    controlPlane,
    logLines,
  };
}
