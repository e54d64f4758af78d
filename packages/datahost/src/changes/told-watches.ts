import type { ChangesEvent } from "./database-changes.ts";
import type { WatchRequest } from "./watches.ts";

/** What is watched and how far it was heard of: a data host that starts again goes on from there. */
export interface ToldWatches {
  noteCall(method: string, params: unknown): void;
  noteAnswer(method: string, params: unknown, result: unknown): void;
  noteEvent(name: string, value: unknown): void;
  list(): WatchRequest[];
}

export function createToldWatches(): ToldWatches {
  const requests = new Map<string, WatchRequest>();
  const keyOf = ({ projectId, database }: Pick<WatchRequest, "projectId" | "database">) => `${projectId}/${database}`;

  function heard(scope: Pick<WatchRequest, "projectId" | "database">, seq: number): void {
    const request = requests.get(keyOf(scope));
    if (request !== undefined) requests.set(keyOf(scope), { ...request, after: Math.max(request.after ?? 0, seq) });
  }

  return {
    noteCall(method, params) {
      if (method === "project.delete") {
        const { projectId } = params as { readonly projectId: string };
        for (const [key, request] of requests) if (request.projectId === projectId) requests.delete(key);
      }
      if (method !== "changes.watch") return;
      const request = params as WatchRequest;
      const known = requests.get(keyOf(request));
      if (request.tables.length === 0) requests.delete(keyOf(request));
      else requests.set(keyOf(request), { ...request, after: known?.after ?? request.after });
    },
    noteAnswer(method, params, result) {
      if (method === "changes.watch") heard(params as WatchRequest, (result as { readonly seq: number }).seq);
    },
    noteEvent(name, value) {
      if (name === "db.changes") heard(value as ChangesEvent, (value as ChangesEvent).seq);
    },
    list: () => [...requests.values()],
  };
}
