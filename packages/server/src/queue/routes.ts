import {
  listMessagesResponseSchema,
  listQueuesResponseSchema,
  movedResponseSchema,
  pageQuerySchema,
  projectParamsSchema,
  purgedResponseSchema,
  queueParamsSchema,
  redriveRequestSchema,
  sendMessageRequestSchema,
  sendMessageResponseSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { QueueEndpoints } from "./endpoints/service.ts";
import type { PeekedMessage, QueueService } from "./service.ts";

export interface QueueRoutesOptions {
  readonly queues: QueueService;
  /** Name of the function that consumes a queue, or null. */
  readonly consumerOf: (projectId: string, queue: string) => Promise<string | null>;
  readonly endpoints: Pick<QueueEndpoints, "list">;
}

const TAG = "Queues";

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** A body as a person reads it: JSON as its value, text as text, everything else in base64. */
function readableBody(message: PeekedMessage): unknown {
  const bytes = Buffer.from(message.body, "base64");
  if (message.contentType === "json") return JSON.parse(bytes.toString("utf8"));
  return message.contentType === "text" ? bytes.toString("utf8") : message.body;
}

/** A project's queues, as the CLI and the dashboard see them. */
export function createQueueRoutes(options: QueueRoutesOptions): Route[] {
  const { queues } = options;
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/queues",
      summary: "List queues",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: projectParamsSchema,
      response: { status: 200, schema: listQueuesResponseSchema },
      async handler({ project }) {
        const [summaries, endpoints] = await Promise.all([queues.list(project.id), options.endpoints.list(project.id)]);
        const urlOf = new Map(endpoints.map(({ queue, url }) => [queue, url]));
        const rows = summaries.map(async ({ name }) => {
          const stats = await queues.stats(project.id, name);
          return {
            name,
            backlog: stats.backlogCount,
            available: stats.availableCount,
            deadLettered: stats.deadLetteredCount,
            dropped: stats.droppedCount,
            oldestMessageAt: stats.oldestMessageAt === null ? null : isoTime(stats.oldestMessageAt),
            // An endpoint comes first, whatever a roll-back has brought.
            consumer: urlOf.has(name) ? null : await options.consumerOf(project.id, name),
            endpoint: urlOf.get(name) ?? null,
          };
        });
        return { queues: await Promise.all(rows), nextCursor: null };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/queues/:queue/messages",
      summary: "Look at a queue's messages without taking them",
      tag: TAG,
      auth: "management",
      permission: "data.read",
      params: queueParamsSchema,
      query: pageQuerySchema,
      response: { status: 200, schema: listMessagesResponseSchema },
      async handler({ project, params, query }) {
        const page = { limit: Math.min(query.limit, 100), cursor: query.cursor };
        const { messages, cursor } = await queues.peek(project.id, params.queue, page);
        return {
          messages: messages.map((message) => ({
            id: message.id,
            body: readableBody(message),
            contentType: message.contentType,
            attempts: message.attempts,
            sentAt: isoTime(message.timestamp),
            availableAt: isoTime(message.visibleAt),
          })),
          nextCursor: cursor,
        };
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/queues/:queue/messages",
      summary: "Send a message",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: queueParamsSchema,
      body: sendMessageRequestSchema,
      bodyIsContent: true,
      response: { status: 201, schema: sendMessageResponseSchema },
      errors: ["QUEUE_MESSAGE_TOO_LARGE"],
      idempotent: true,
      async handler({ project, params, body }) {
        await queues.send(project.id, params.queue, body.body, body.delaySeconds);
        return { success: true as const };
      },
    }),

    defineRoute({
      method: "post",
      path: "/api/v1/projects/:project/queues/:queue/redrive",
      summary: "Move dead letters back to be delivered again",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: queueParamsSchema,
      body: redriveRequestSchema,
      response: { status: 200, schema: movedResponseSchema },
      async handler({ project, params, body }) {
        return { moved: await queues.redrive(project.id, params.queue, body.to) };
      },
    }),

    defineRoute({
      method: "delete",
      path: "/api/v1/projects/:project/queues/:queue/messages",
      summary: "Delete all messages of a queue",
      tag: TAG,
      auth: "management",
      permission: "data.write",
      params: queueParamsSchema,
      response: { status: 200, schema: purgedResponseSchema },
      async handler({ project, params }) {
        return { purged: await queues.purge(project.id, params.queue) };
      },
    }),
  ];
}
