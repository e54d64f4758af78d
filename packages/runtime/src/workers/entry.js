// The trusted worker inside every process. Server → functions: delivers queue batches and scheduled events, and answers
// the watchdog. Functions → server: receives their logs and exceptions and posts them in batches. It runs beside user code
// in one process, so nothing that it is given is worth more than that one project.

import { cut, describeException, formatLine, MAX_MESSAGE_CHARACTERS } from "./format-line.js";

/** Lines that wait to be posted; beyond it they are only counted. */
const MAX_PENDING_LINES = 20_000;
/** A post is read in one turn of the server's event loop, in which nobody else is served: about a millisecond. */
const MAX_LINES_PER_POST = 200;
const MAX_CHARACTERS_PER_POST = 65_536;
/** How long lines gather before they are posted: one request for many. */
const GATHER_MS = 20;

/** Begins what a function with a tail worker says of a delivery that failed; see `tell-failures.js`. */
const FAILURE_MARK = "\u001e";
/** How long a delivery that failed waits for what it failed with: the tail worker hears of it after its end. */
const FAILURE_WAIT_MS = 500;
const FAILURE_LOOK_MS = 5;

const LEVELS = { debug: "debug", info: "info", log: "info", trace: "debug", warn: "warn", error: "error" };

let pending = [];
let dropped = 0;
let gathering = false;
/** By the first message of a delivery in progress, what it failed with, as far as that is known. */
const deliveries = new Map();

export default {
  async fetch(request, env) {
    const path = new URL(request.url).pathname;
    switch (path) {
      case "/probe":
        return new Response(null, { status: 204 });
      case "/flush":
        await post(env);
        return new Response(null, { status: 204 });
      case "/queue":
        return Response.json(await deliver(await request.json(), env));
      case "/scheduled": {
        const { target, cron, scheduledTimeMs } = await request.json();
        return Response.json(await env[target].scheduled({ cron, scheduledTime: new Date(scheduledTimeMs) }));
      }
      default:
        return new Response(null, { status: 404 });
    }
  },

  tail(events, env, ctx) {
    for (const event of events) collect(event, ctx.props.functionKey);
    if ((pending.length > 0 || dropped > 0) && !gathering) {
      gathering = true;
      ctx.waitUntil(
        scheduler.wait(GATHER_MS).then(() => {
          gathering = false;
          return post(env);
        }),
      );
    }
  },
};

/** What `queue()` said of a batch, and what it failed with where it has a tail worker. */
async function deliver({ target, queue, messages, hasTail }, env) {
  const id = messages[0]?.id;
  deliveries.set(id, null);
  try {
    const result = await env[target].queue(queue, messages.map(toQueueMessage));
    const error = hasTail && result.outcome !== "ok" ? await failureOf(id) : null;
    return { ...result, error };
  } finally {
    deliveries.delete(id);
  }
}

async function failureOf(id) {
  for (let waitedMs = 0; deliveries.get(id) === null && waitedMs < FAILURE_WAIT_MS; waitedMs += FAILURE_LOOK_MS) {
    await scheduler.wait(FAILURE_LOOK_MS);
  }
  return deliveries.get(id);
}

/** True for a line that says what a delivery failed with, which is no line of the function's log. */
function isFailure({ message }) {
  const line = Array.isArray(message) ? message[0] : null;
  if (typeof line !== "string" || !line.startsWith(FAILURE_MARK)) return false;
  try {
    const { delivery, error } = JSON.parse(line.slice(FAILURE_MARK.length));
    if (deliveries.get(delivery) === null && typeof error === "string") deliveries.set(delivery, error);
    return typeof delivery === "string";
  } catch {
    return false;
  }
}

function toQueueMessage({ id, timestamp, attempts, contentType, body }) {
  const bytes = Uint8Array.fromBase64(body);
  const message = { id, timestamp: new Date(timestamp), attempts };
  switch (contentType) {
    case "json":
      return { ...message, body: JSON.parse(new TextDecoder().decode(bytes)) };
    case "text":
      return { ...message, body: new TextDecoder().decode(bytes) };
    case "bytes":
      return { ...message, body: bytes.buffer };
    default:
      // "v8": the sender's structured clone, which the runtime reads itself.
      return { ...message, serializedBody: bytes };
  }
}

async function post(env) {
  while (pending.length > 0 || dropped > 0) {
    const count = nextPostLines();
    const entries = pending.slice(0, count);
    pending = pending.slice(count);
    const body = JSON.stringify({ entries, dropped });
    const headers = { "x-aero-lines": String(entries.length) };
    dropped = 0;
    const answer = await env.TAIL.fetch("http://tail/", { method: "POST", headers, body });
    await answer.body?.cancel();
  }
}

/** How many of the pending lines go into one post: one at least. */
function nextPostLines() {
  let count = 0;
  let characters = 0;
  while (count < pending.length && count < MAX_LINES_PER_POST && characters < MAX_CHARACTERS_PER_POST) {
    const { message, exception } = pending[count++];
    characters += message.length + (exception ? exception.message.length + (exception.stack?.length ?? 0) : 0);
  }
  return count;
}

function collect(event, functionKey) {
  const { logs, exceptions } = event;
  if (logs.length === 0 && exceptions.length === 0) return;
  const requestId = event.event?.request?.headers["x-request-id"] ?? null;
  for (const log of logs) {
    if (event.event?.queue !== undefined && isFailure(log)) continue;
    const message = formatMessage(log.message, log.errorInfo);
    keep({ functionKey, requestId, kind: "console", level: LEVELS[log.level] ?? "info", time: log.timestamp, message });
  }
  if (event.truncated) {
    const message = "This request logged more than the runtime keeps; the lines after this one are missing.";
    keep({ functionKey, requestId, kind: "console", level: "warn", time: Date.now(), message });
  }
  for (const { name, message, stack, timestamp } of distinct(exceptions)) {
    const described = describeException(name, message, stack);
    keep({ functionKey, requestId, kind: "exception", level: "error", time: timestamp, ...described });
  }
}

function keep(entry) {
  if (pending.length < MAX_PENDING_LINES) pending.push(entry);
  else dropped++;
}

/** The runtime may report one exception twice, where it was thrown and where the request ended. */
function distinct(exceptions) {
  const seen = new Map();
  for (const exception of exceptions) {
    const key = `${exception.name}\n${exception.message}`;
    if (!seen.has(key)) seen.set(key, exception);
  }
  return seen.values();
}

/** Text as it is, an error with its stack, anything else as JSON. */
function formatMessage(values, errors) {
  if (!Array.isArray(values)) return cut(toText(values), MAX_MESSAGE_CHARACTERS);
  const texts = values.map((value, index) => {
    const stack = errors?.[index]?.stack;
    return stack ? `${value}\n${stack}` : toText(value);
  });
  return formatLine(typeof values[0] === "string" ? values[0] : null, texts);
}

function toText(value) {
  if (typeof value === "string") return value;
  const text = JSON.stringify(value);
  return text === undefined ? String(value) : text;
}
