import {
  AerostackError,
  historyQuerySchema,
  historyResponseSchema,
  publishRequestSchema,
  publishResponseSchema,
  streamQuerySchema,
} from "@aerostack/contracts";
import { defineOperation, type Operation } from "../edge/define-operation.ts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { HandshakeOptions } from "./handshake.ts";
import { type HttpCaller, identifyCaller } from "./identify-caller.ts";
import type { Speaker } from "./permissions.ts";
import type { KeptMessage } from "./store.ts";
import type { TopicProject } from "./topics.ts";

/** Publishing from a server, without a WebSocket. */
export function createRealtimeOperations(options: {
  readonly publish: (
    projectId: string,
    message: { readonly topic: string; readonly event: string; readonly data: unknown; readonly persist: boolean },
  ) => Promise<string>;
}): Operation[] {
  return [
    defineOperation({
      method: "post",
      path: "/v1/realtime/publish",
      summary: "Publish an event to a topic",
      tag: "Data plane: realtime",
      access: "secret",
      permission: "data.write",
      body: publishRequestSchema,
      response: { status: 200, schema: publishResponseSchema },
      errors: ["FORBIDDEN"],
      async handler({ call, body: { topic, event, data, persist } }) {
        const message = { topic, event, data: data ?? null, persist: persist === true };
        return { success: true as const, topic: await options.publish(call.projectId, message) };
      },
    }),
  ];
}

const UNIX_MS = /^\d{10,16}$/;

/** Messages that were published to be kept, for keys and for users. */
export function createRealtimeRoutes(
  options: Pick<HandshakeOptions, "findProject" | "verifyToken" | "clock"> & {
    readonly history: (
      project: TopicProject,
      speaker: Speaker,
      page: { readonly room: string; readonly limit: number; readonly before: number | string | undefined },
    ) => Promise<readonly KeptMessage[]>;
    /** The body of a stream of events. */
    readonly stream: (
      caller: HttpCaller,
      topics: readonly string[],
      request: Request,
    ) => Promise<ReadableStream<Uint8Array>>;
  },
): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/public/realtime/history",
      summary: "Read the kept messages of a topic, the newest first",
      tag: "Realtime",
      auth: "none",
      query: historyQuerySchema,
      response: { status: 200, schema: historyResponseSchema },
      errors: ["AUTH_INVALID_KEY", "AUTH_TOKEN_INVALID", "AUTH_TOKEN_EXPIRED", "FORBIDDEN"],
      async handler({ principal, query, request }) {
        const ref = query.projectId ?? lastPartOf(query.room);
        const { project, speaker } = await identifyCaller(options, principal, request, ref);
        const { room, limit, before } = query;
        const page = { room, limit, before: before !== undefined && UNIX_MS.test(before) ? Number(before) : before };
        const messages = await options.history(project, speaker, page);
        return {
          messages: messages.map(({ id, topic, userId, event, data, createdAtMs }) => ({
            id,
            room_id: topic,
            user_id: userId,
            event,
            data,
            created_at: createdAtMs,
          })),
        };
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/public/realtime/stream",
      summary: "Listen to topics without a WebSocket",
      description:
        "Server-sent events: each `data` is a frame as a WebSocket gets it. `topic` may stand several times. A client that comes back with `Last-Event-ID`, as browsers do by themselves, gets what it missed. Where headers cannot be sent, `apiKey` and `token` stand in the query.",
      tag: "Realtime",
      auth: "none",
      query: streamQuerySchema,
      repeatable: ["topic"],
      response: { status: 200, contentType: "text/event-stream" },
      errors: ["AUTH_INVALID_KEY", "FORBIDDEN", "RATE_LIMIT_EXCEEDED"],
      async handler({ principal, query, request }) {
        const topics = [...new Set(new URL(request.url).searchParams.getAll("topic"))];
        if (topics.length > MAX_STREAM_TOPICS) {
          throw new AerostackError("VALIDATION_ERROR", {
            message: `A stream has at most ${MAX_STREAM_TOPICS} topics.`,
          });
        }
        const caller = await identifyCaller(options, principal, request, query.projectId ?? lastPartOf(query.topic));
        return new Response(await options.stream(caller, topics, request), {
          headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
        });
      },
    }),
  ];
}

const MAX_STREAM_TOPICS = 20;

function lastPartOf(topic: string): string {
  return topic.slice(topic.lastIndexOf("/") + 1);
}
