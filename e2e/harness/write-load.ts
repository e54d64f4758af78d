import { setTimeout as delay } from "node:timers/promises";
import type { Developer, Project } from "./developer.ts";

/** What is written, and by which way: through the function's bindings, or through the management API. */
export const WRITE_KINDS = [
  "row",
  "pair",
  "key",
  "object",
  "message",
  "api-row",
  "api-key",
  "api-object",
  "api-message",
] as const;
export type WriteKind = (typeof WRITE_KINDS)[number];

const AFTER_FAILURE_MS = 10;
const REQUEST_TIMEOUT_MS = 15_000;

export interface WriteLoad {
  /** Ids that the platform said are stored. */
  readonly acknowledged: ReadonlyMap<WriteKind, readonly string[]>;
  /** Ends the writers and waits for what they still have under way. */
  stop(): Promise<void>;
}

/** Keeps one writer of each kind busy. Each id is sent once; what is not acknowledged may or may not be stored. */
export function startWriteLoad(
  server: { readonly url: string },
  developer: Developer,
  project: Project,
  prefix: string,
): WriteLoad {
  const acknowledged = new Map<WriteKind, string[]>(WRITE_KINDS.map((kind) => [kind, []]));
  const base = `${server.url}/api/v1/projects/${project.id}`;
  const json = (body: unknown): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  let stopping = false;

  function requestOf(kind: WriteKind, id: string): [url: string, init: RequestInit] {
    switch (kind) {
      case "api-row":
        return [`${base}/db/query`, json({ sql: "INSERT INTO rows (id) VALUES (?)", params: [id] })];
      case "api-key":
        return [`${base}/kv/default/values/${id}`, { method: "PUT", body: `value of ${id}` }];
      case "api-object":
        return [`${base}/storage/default/objects/${id}`, { method: "PUT", body: `content of ${id}` }];
      case "api-message":
        return [`${base}/queues/default/messages`, json({ body: { id } })];
      default:
        return [developer.functionUrl(project, "writer", `/${kind}?id=${id}`), { method: "POST" }];
    }
  }

  async function write(kind: WriteKind, id: string): Promise<boolean> {
    const [url, init] = requestOf(kind, id);
    try {
      const headers = { ...init.headers, "x-api-key": developer.accountKey };
      const answer = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      await answer.arrayBuffer();
      return answer.ok;
    } catch {
      return false;
    }
  }

  async function keepWriting(kind: WriteKind): Promise<void> {
    const ids = acknowledged.get(kind) ?? [];
    for (let number = 0; !stopping; number++) {
      const id = `${prefix}-${kind}-${number}`;
      if (await write(kind, id)) ids.push(id);
      else await delay(AFTER_FAILURE_MS);
    }
  }

  const writers = WRITE_KINDS.map(keepWriting);
  return {
    acknowledged,
    async stop() {
      stopping = true;
      await Promise.all(writers);
    },
  };
}
