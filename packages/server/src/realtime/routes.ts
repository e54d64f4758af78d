import {
  AerostackError,
  historyQuerySchema,
  historyResponseSchema,
  publishRequestSchema,
  publishResponseSchema,
} from "@aerostack/contracts";
import { defineOperation, type Operation } from "../edge/define-operation.ts";
import { defineRoute, type Route } from "../edge/define-route.ts";
import type { HandshakeOptions } from "./handshake.ts";
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
  options: Pick<HandshakeOptions, "findProject" | "verifyToken"> & {
    readonly history: (
      project: TopicProject,
      speaker: Speaker,
      page: { readonly room: string; readonly limit: number; readonly before: number | string | undefined },
    ) => Promise<readonly KeptMessage[]>;
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
      errors: ["AUTH_INVALID_KEY", "AUTH_TOKEN_INVALID", "FORBIDDEN"],
      async handler({ principal, query, request }) {
        const lastPart = query.room.slice(query.room.lastIndexOf("/") + 1);
        const ref = principal?.kind === "project" ? principal.projectId : (query.projectId ?? lastPart);
        const project = await options.findProject(ref);
        if (principal?.kind === "account" && principal.accountId !== project?.ownerId) {
          throw new AerostackError("AUTH_INVALID_KEY");
        }
        const bearer = /^bearer (.+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
        const user =
          project === undefined || bearer === undefined ? null : await options.verifyToken(project.id, bearer);
        if (project === undefined || (principal === null && user === null))
          throw new AerostackError("AUTH_INVALID_KEY");
        const isPublic = principal?.kind === "project" && principal.access === "public";
        const speaker: Speaker = { access: principal === null ? null : isPublic ? "public" : "secret", user };
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
  ];
}
