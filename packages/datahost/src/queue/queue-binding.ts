import type { IncomingMessage, ServerResponse } from "node:http";
import type { BindingHandler } from "../state/binding-handler.ts";
import { BodyTooLargeError, readBody } from "../state/read-body.ts";
import { answerFailure, Refusal } from "../state/refusal.ts";
import type { StateDatabases } from "../state/state-databases.ts";
import type { QueueName } from "./pending-queues.ts";
import { checkBatch, checkContentType, checkDelay, checkMessageSize, queueRefusal } from "./queue-checks.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_MESSAGES, MAX_MESSAGE_BYTES } from "./queue-limits.ts";
import type { NewQueueMessage, QueueMetrics } from "./queue-message.ts";
import { metricsOf } from "./queue-store.ts";
import type { Queues } from "./queues.ts";

/** A batch as JSON: its bodies in base64, and what stands around each of them. */
const MAX_BATCH_REQUEST_BYTES = 2 * MAX_BATCH_BYTES + MAX_BATCH_MESSAGES * 200;

/**
 * What workerd's `queue` binding speaks: POST /message (headers x-msg-fmt, x-msg-delay-secs), POST /batch
 * (`{ messages: [{ body, contentType?, delaySecs? }] }`, bodies in base64) and GET /metrics.
 */
export function createQueueBinding({
  queues,
  states,
}: {
  readonly queues: Queues;
  readonly states: StateDatabases;
}): BindingHandler {
  async function answer(name: QueueName, req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { method, url } = req;
    if (method === "POST" && url === "/message") {
      const message = await readMessage(req);
      const { metrics } = await queues.send(name, [message]);
      answerMetrics(res, { metadata: { metrics } });
    } else if (method === "POST" && url === "/batch") {
      const messages = await readBatch(req);
      const { metrics } = await queues.send(name, messages);
      answerMetrics(res, { metadata: { metrics } });
    } else if (method === "GET" && url === "/metrics") {
      answerMetrics(res, metricsOf(states.read(name.projectId), name.queue));
    } else {
      req.resume();
      throw new Refusal(404, "NOT_FOUND", "Not Found");
    }
  }

  return (grant, queue, req, res) =>
    answer({ projectId: grant.projectId, queue }, req, res).catch((error: unknown) => answerFailure(res, error));
}

function answerMetrics(res: ServerResponse, answer: QueueMetrics | { metadata: { metrics: QueueMetrics } }): void {
  const body = Buffer.from(JSON.stringify(answer));
  res.writeHead(200, { "content-type": "application/json", "content-length": body.length });
  res.end(body);
}

async function readMessage(req: IncomingMessage): Promise<NewQueueMessage> {
  const body = await readBody(req, MAX_MESSAGE_BYTES).catch((error: unknown) => {
    if (error instanceof BodyTooLargeError) checkMessageSize(error.length);
    throw error;
  });
  return {
    body,
    contentType: checkContentType(req.headers["x-msg-fmt"] ?? "v8"),
    delayMs: delayFrom(req),
  };
}

function delayFrom(req: IncomingMessage): number {
  const header = req.headers["x-msg-delay-secs"];
  return header === undefined || header === "" ? 0 : checkDelay(Number(header));
}

async function readBatch(req: IncomingMessage): Promise<NewQueueMessage[]> {
  const text = (await readBody(req, MAX_BATCH_REQUEST_BYTES)).toString("utf8");
  const defaultDelayMs = delayFrom(req);
  let request: { messages?: unknown } | null;
  try {
    request = JSON.parse(text);
  } catch {
    request = null;
  }
  const listed: unknown = request?.messages;
  if (!Array.isArray(listed))
    throw queueRefusal(400, "VALIDATION_ERROR", "requestInvalid", "a batch is a list of messages");
  const messages = listed.map((entry: unknown): NewQueueMessage => {
    const { body, contentType, delaySecs } = (entry ?? {}) as Record<string, unknown>;
    if (typeof body !== "string") throw queueRefusal(400, "VALIDATION_ERROR", "requestInvalid", "a message has a body");
    return {
      body: Buffer.from(body, "base64"),
      contentType: checkContentType(contentType ?? "v8"),
      delayMs: delaySecs === undefined || delaySecs === null ? defaultDelayMs : checkDelay(delaySecs),
    };
  });
  checkBatch(messages);
  return messages;
}
