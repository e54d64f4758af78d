import { AerostackError, type QueueConsumerConfig } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { logicalResource, storedResource } from "../../functions/resource-names.ts";
import { createCachedLookup } from "../../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { createSigningSecret } from "../../kernel/standard-webhooks.ts";
import type { DeliverToEndpoint, EndpointMessage } from "./deliver.ts";
import { retryDelaySeconds } from "./retry-delay.ts";
import { type EndpointRow, endpointStore } from "./store.ts";
import type { QueueEndpointTables } from "./tables.ts";

/** An address that takes a queue's messages. */
export interface Endpoint {
  readonly queue: string;
  readonly url: string;
  readonly maxRetries: number;
  readonly deadLetterQueue: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What the delivery of a queue's messages needs to know of whoever takes them. */
export interface EndpointConsumer {
  readonly kind: "endpoint";
  readonly projectId: string;
  readonly storedQueue: string;
  readonly deadLetterQueue: string;
  readonly config: QueueConsumerConfig;
  readonly url: string;
  readonly sealedSecrets: string;
}

export interface EndpointRetry {
  readonly id: string;
  readonly delaySeconds: number;
  readonly error: string;
  /** It is given up at once. */
  readonly isFinal?: true;
}

/** What became of a batch: who took a message, and when one that nobody took is tried again. */
export interface EndpointOutcome {
  readonly acks: readonly string[];
  readonly retries: readonly EndpointRetry[];
}

interface Secrets {
  readonly current: string;
  readonly previous?: { readonly secret: string; readonly untilMs: number };
}

export interface QueueEndpointsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly envelope: Envelope;
  readonly deliver: DeliverToEndpoint;
  /** In [0, 1). */
  readonly random: () => number;
  /** Hosts on private addresses that the operator opened: there an address may be plain http. */
  readonly isPrivateAllowed: (url: URL) => boolean;
  /** Name of the function that consumes a queue, or null. */
  readonly functionOf: (projectId: string, queue: string) => Promise<string | null>;
  /** The queue may have found its consumer. */
  readonly wake: (projectId: string, queue: string) => void;
}

/** Posted side by side. */
const MESSAGES_AT_ONCE = 10;
/** After a new secret was made, deliveries are signed by the old one too for this long. */
export const OLD_SECRET_MS = 24 * 60 * 60 * 1000;

/** HTTPS addresses that take a queue's messages instead of a function, and what is delivered to them. */
export function createQueueEndpoints(options: QueueEndpointsOptions) {
  const { clock, changes, envelope } = options;
  const sql = options.sql.withTables<QueueEndpointTables>();

  const consumers = createCachedLookup<EndpointConsumer>({
    clock,
    changes,
    async find(key) {
      const [projectId = "", queue = ""] = key.split("/");
      const row = await endpointStore.find(sql.db, projectId, queue);
      return row === undefined
        ? null
        : { value: consumerOf(row), expiresAtMs: null, subjects: [subjectOf(projectId, queue)] };
    },
  });

  function secretsOf(projectId: string, queue: string, sealed: string): Secrets {
    return JSON.parse(envelope.open(sealed, contextOf(projectId, queue)));
  }

  function seal(projectId: string, queue: string, secrets: Secrets): string {
    return envelope.seal(JSON.stringify(secrets), contextOf(projectId, queue));
  }

  async function rowOf(projectId: string, queue: string): Promise<EndpointRow> {
    const row = await endpointStore.find(sql.db, projectId, queue);
    if (row === undefined) throw notFound(queue);
    return row;
  }

  function checkUrl(text: string): string {
    const url = new URL(text);
    if (url.protocol !== "https:" && !(url.protocol === "http:" && options.isPrivateAllowed(url))) {
      throw refusal("url", "Messages are delivered to https:// addresses only.");
    }
    if (url.username !== "" || url.password !== "") {
      throw refusal("url", "An address carries no user name or password: check the signature instead.");
    }
    url.hash = "";
    return url.href;
  }

  async function checkFree(projectId: string, queue: string): Promise<void> {
    const functionName = await options.functionOf(projectId, queue);
    if (functionName === null) return;
    throw new AerostackError("CONFLICT", {
      message: `The queue '${queue}' is consumed by the function '${functionName}' already.`,
      fix: "Remove the consumer there first, or use another queue.",
    });
  }

  return {
    async list(projectId: string): Promise<readonly Endpoint[]> {
      return (await endpointStore.list(sql.db, projectId)).map(endpointOf);
    },

    /** @throws NOT_FOUND */
    async get(projectId: string, queue: string): Promise<Endpoint> {
      return endpointOf(await rowOf(projectId, queue));
    },

    /**
     * Makes or changes the endpoint of a queue. `secret` is that of a new one, never to be seen again.
     *
     * @throws VALIDATION_ERROR · CONFLICT when a function consumes the queue
     */
    async put(
      projectId: string,
      queue: string,
      wanted: { readonly url: string; readonly maxRetries: number; readonly deadLetterQueue: string | undefined },
    ): Promise<{ readonly endpoint: Endpoint; readonly secret: string | null }> {
      const url = checkUrl(wanted.url);
      const deadLetterQueue = wanted.deadLetterQueue ?? deadLettersOf(queue);
      if (deadLetterQueue === queue) throw refusal("deadLetterQueue", "A queue cannot be its own dead-letter queue.");
      await checkFree(projectId, queue);
      const now = clock.now();
      const values = { url, max_retries: wanted.maxRetries, dead_letter_queue: deadLetterQueue, updated_at: now };
      const secret = createSigningSecret();
      const isNew = await changes.commit(sql, [subjectOf(projectId, queue)], async (trx) => {
        const secrets = seal(projectId, queue, { current: secret });
        const row = { project_id: projectId, queue, ...values, secrets, created_at: now };
        if (await endpointStore.insert(trx, row)) return true;
        await endpointStore.update(trx, projectId, queue, values);
        return false;
      });
      options.wake(projectId, queue);
      return { endpoint: endpointOf(await rowOf(projectId, queue)), secret: isNew ? secret : null };
    },

    /** Makes a new signing secret; the old one signs beside it for a day. @throws NOT_FOUND */
    async rotateSecret(projectId: string, queue: string): Promise<{ secret: string; previousUntilMs: number }> {
      const secret = createSigningSecret();
      const previousUntilMs = clock.now() + OLD_SECRET_MS;
      await changes.commit(sql, [subjectOf(projectId, queue)], async (trx) => {
        const row = await endpointStore.find(trx, projectId, queue);
        if (row === undefined) throw notFound(queue);
        const { current } = secretsOf(projectId, queue, row.secrets);
        const previous = { secret: current, untilMs: previousUntilMs };
        const secrets = seal(projectId, queue, { current: secret, previous });
        await endpointStore.update(trx, projectId, queue, { secrets, updated_at: clock.now() });
      });
      return { secret, previousUntilMs };
    },

    /** What waits in the queue stays there. @throws NOT_FOUND */
    async remove(projectId: string, queue: string): Promise<void> {
      const removed = await changes.commit(sql, [subjectOf(projectId, queue)], (trx) =>
        endpointStore.remove(trx, projectId, queue),
      );
      if (!removed) throw notFound(queue);
    },

    /** Who takes a queue's messages over HTTP, or null; at most a second old. */
    async findConsumer(projectId: string, queue: string): Promise<EndpointConsumer | null> {
      return await consumers.find(`${projectId}/${queue}`);
    },

    async deliver(consumer: EndpointConsumer, messages: readonly EndpointMessage[]): Promise<EndpointOutcome> {
      const { projectId, storedQueue, url } = consumer;
      const { current, previous } = secretsOf(projectId, storedQueue, consumer.sealedSecrets);
      const isPreviousValid = previous !== undefined && clock.now() < previous.untilMs;
      const secrets = isPreviousValid ? [current, previous.secret] : [current];
      const address = { queue: storedQueue, url, secrets };
      const acks: string[] = [];
      const retries: EndpointRetry[] = [];
      await Promise.all(
        messages.map(async (message) => {
          const delivery = await options.deliver(address, message);
          if (delivery.isTaken) {
            acks.push(message.id);
            return;
          }
          const { error, retryAfterSeconds, isFinal } = delivery;
          if (isFinal) {
            retries.push({ id: message.id, delaySeconds: 0, error, isFinal });
            return;
          }
          const attempt = { attempts: message.attempts, retryAfterSeconds, random: options.random() };
          retries.push({ id: message.id, delaySeconds: retryDelaySeconds(attempt), error });
        }),
      );
      return { acks, retries };
    },
  };
}

export type QueueEndpoints = ReturnType<typeof createQueueEndpoints>;

/** Where the signing secrets lie, for turning the master key over. */
export const queueEndpointSeal: SealedColumn = {
  table: "queue_endpoints",
  key: ["project_id", "queue"],
  column: "secrets",
  contextOf: ({ project_id: projectId = "", queue = "" }) => contextOf(projectId, queue),
};

function contextOf(projectId: string, queue: string): string {
  return `queue-endpoint/${projectId}/${queue}`;
}

function subjectOf(projectId: string, queue: string): string {
  return `queue-endpoint:${projectId}/${queue}`;
}

/** In the environment of the queue itself. */
function deadLettersOf(queue: string): string {
  const { name, environment } = logicalResource(queue);
  return storedResource(`${name}-dead`, environment);
}

function endpointOf(row: EndpointRow): Endpoint {
  return {
    queue: row.queue,
    url: row.url,
    maxRetries: row.max_retries,
    deadLetterQueue: row.dead_letter_queue,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
  };
}

function consumerOf(row: EndpointRow): EndpointConsumer {
  return {
    kind: "endpoint",
    projectId: row.project_id,
    storedQueue: row.queue,
    deadLetterQueue: row.dead_letter_queue,
    config: {
      queue: row.queue,
      maxBatchSize: MESSAGES_AT_ONCE,
      maxBatchTimeoutSeconds: 0,
      maxRetries: row.max_retries,
      retryDelaySeconds: 0,
    },
    url: row.url,
    sealedSecrets: row.secrets,
  };
}

function notFound(queue: string): AerostackError {
  return new AerostackError("NOT_FOUND", { message: `The queue '${queue}' has no endpoint.` });
}

function refusal(field: string, message: string): AerostackError {
  return new AerostackError("VALIDATION_ERROR", { message, details: { fieldErrors: { [field]: [message] } } });
}
