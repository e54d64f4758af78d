import {
  putQueueEndpointRequestSchema,
  putQueueEndpointResponseSchema,
  type QueueEndpoint,
  queueEndpointResponseSchema,
  queueParamsSchema,
  rotatedSecretResponseSchema,
  successSchema,
} from "@aerostack/contracts";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import type { Endpoint, QueueEndpoints } from "./service.ts";

export interface QueueEndpointRoutesOptions {
  readonly endpoints: QueueEndpoints;
}

const TAG = "Queues";
const PATH = "/api/v1/projects/:project/queues/:queue/endpoint";

function shown({ createdAtMs, updatedAtMs, ...facts }: Endpoint): QueueEndpoint {
  return { ...facts, createdAt: isoTime(createdAtMs), updatedAt: isoTime(updatedAtMs) };
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** The address that a queue's messages are posted to. */
export function createQueueEndpointRoutes({ endpoints }: QueueEndpointRoutesOptions): Route[] {
  const common = { tag: TAG, auth: "management", params: queueParamsSchema } as const;
  return [
    defineRoute({
      ...common,
      method: "get",
      path: PATH,
      summary: "Where a queue's messages are posted to",
      permission: "settings.read",
      response: { status: 200, schema: queueEndpointResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        return { endpoint: shown(await endpoints.get(project.id, params.queue)) };
      },
    }),

    defineRoute({
      ...common,
      method: "put",
      path: PATH,
      summary: "Post a queue's messages to an address",
      permission: "settings.write",
      description:
        "Each message is posted by itself, signed as Standard Webhooks says. An answer of 2xx takes it; after any other it is posted again, twice as long later each time.",
      body: putQueueEndpointRequestSchema,
      response: { status: 200, schema: putQueueEndpointResponseSchema },
      errors: ["CONFLICT"],
      async handler({ project, params, body }) {
        const wanted = { ...body, deadLetterQueue: body.deadLetterQueue };
        const { endpoint, secret } = await endpoints.put(project.id, params.queue, wanted);
        return { endpoint: shown(endpoint), secret };
      },
    }),

    defineRoute({
      ...common,
      method: "post",
      path: `${PATH}/secret`,
      summary: "Make a new signing secret",
      permission: "settings.write",
      response: { status: 200, schema: rotatedSecretResponseSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        const { secret, previousUntilMs } = await endpoints.rotateSecret(project.id, params.queue);
        return { secret, previousUntil: isoTime(previousUntilMs) };
      },
    }),

    defineRoute({
      ...common,
      method: "delete",
      path: PATH,
      summary: "Post a queue's messages to nobody any more",
      permission: "settings.write",
      response: { status: 200, schema: successSchema },
      errors: ["NOT_FOUND"],
      async handler({ project, params }) {
        await endpoints.remove(project.id, params.queue);
        return { success: true as const };
      },
    }),
  ];
}
