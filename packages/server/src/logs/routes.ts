import {
  listLogsResponseSchema,
  logFilterQuerySchema,
  logQuerySchema,
  projectParamsSchema,
} from "@aerostack/contracts";
import type { z } from "zod";
import { defineRoute, type Route } from "../edge/define-route.ts";
import { toLogLine } from "./log-line.ts";
import { createTailStream, type LogTail } from "./log-tail.ts";
import type { LogFilter, LogStore } from "./store.ts";

export interface LogRoutesOptions {
  readonly store: LogStore;
  readonly tail: LogTail;
  /** Stores what is still on its way, so that a query sees every request that was answered before it. */
  readonly flush: () => Promise<void>;
}

const TAG = "Logs";
const STATUS_CLASS_SIZE = 100;

/** `404` is one status, `4xx` all from 400 to 499. */
function statusRange(text: string): { from: number; to: number } {
  if (!text.endsWith("xx")) return { from: Number(text), to: Number(text) };
  const from = Number(text[0]) * STATUS_CLASS_SIZE;
  return { from, to: from + STATUS_CLASS_SIZE - 1 };
}

function filterOf(query: z.infer<typeof logFilterQuerySchema>): LogFilter {
  return {
    ...(query.kind === undefined ? {} : { kind: query.kind }),
    ...(query.function === undefined ? {} : { functionName: query.function }),
    ...(query.env === undefined ? {} : { environment: query.env }),
    ...(query.level === undefined ? {} : { minLevel: query.level }),
    ...(query.status === undefined ? {} : { status: statusRange(query.status) }),
    ...(query.text === undefined ? {} : { text: query.text }),
    ...(query.requestId === undefined ? {} : { requestId: query.requestId }),
    ...(query.ip === undefined ? {} : { ip: query.ip }),
  };
}

/** Reading a project's log, page by page or live. */
export function createLogRoutes(options: LogRoutesOptions): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/logs",
      summary: "Search a project's log, newest first",
      tag: TAG,
      auth: "management",
      permission: "logs.read",
      params: projectParamsSchema,
      query: logQuerySchema,
      response: { status: 200, schema: listLogsResponseSchema },
      async handler({ project, query }) {
        await options.flush();
        const filter: LogFilter = {
          ...filterOf(query),
          ...(query.since === undefined ? {} : { since: Date.parse(query.since) }),
          ...(query.until === undefined ? {} : { until: Date.parse(query.until) }),
        };
        const entries = await options.store.query(project.id, filter, query.limit + 1, query.cursor);
        const page = entries.slice(0, query.limit);
        return {
          logs: page.map(toLogLine),
          nextCursor: entries.length > page.length ? (page.at(-1)?.id ?? null) : null,
        };
      },
    }),

    defineRoute({
      method: "get",
      path: "/api/v1/projects/:project/logs/tail",
      summary: "Follow a project's log",
      description: "Server-sent events; the data of each is one log line as JSON.",
      tag: TAG,
      auth: "management",
      permission: "logs.read",
      params: projectParamsSchema,
      query: logFilterQuerySchema,
      response: { status: 200, contentType: "text/event-stream" },
      async handler({ project, query, request }) {
        return new Response(createTailStream(options.tail, project.id, filterOf(query), request.signal), {
          headers: { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" },
        });
      },
    }),
  ];
}
