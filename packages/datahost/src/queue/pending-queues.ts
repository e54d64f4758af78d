import type { HostDatabase } from "../state/host-database.ts";

export interface QueueName {
  readonly projectId: string;
  readonly queue: string;
}

/**
 * Which queues of all projects may have messages, kept in `host.sqlite`, so that a restart finds them without opening
 * every project. A queue is entered before a message in it is acknowledged; it may stay after its last message is gone.
 */
export interface PendingQueues {
  /** Durable when the promise resolves; nothing to wait for where the queue is in already. */
  add(name: QueueName): Promise<void> | undefined;
  /** To be called for an empty queue only, in the same turn in which it was found empty. */
  remove(name: QueueName): Promise<void>;
  removeProject(projectId: string): Promise<void>;
  list(): QueueName[];
}

const keyOf = ({ projectId, queue }: QueueName): string => `${projectId}/${queue}`;

export function createPendingQueues(host: HostDatabase): PendingQueues {
  const db = host.read();
  const insert = db.prepare<[string, string]>("INSERT OR IGNORE INTO pending_queues (project_id, queue) VALUES (?, ?)");
  const remove = db.prepare<[string, string]>("DELETE FROM pending_queues WHERE project_id = ? AND queue = ?");
  const removeProject = db.prepare<[string]>("DELETE FROM pending_queues WHERE project_id = ?");
  const rows = db
    .prepare<[], QueueName>("SELECT project_id AS projectId, queue FROM pending_queues ORDER BY project_id, queue")
    .all();
  /** Those whose entry is durable. */
  const entered = new Map(rows.map((row) => [keyOf(row), row]));

  return {
    add(name) {
      const key = keyOf(name);
      if (entered.has(key)) return undefined;
      return host
        .commit(() => insert.run(name.projectId, name.queue))
        .then(() => {
          entered.set(key, name);
        });
    },
    async remove(name) {
      // Out of memory at once: an `add` from here on enters the queue again, in a commit after this one.
      entered.delete(keyOf(name));
      await host.commit(() => remove.run(name.projectId, name.queue));
    },
    async removeProject(projectId) {
      for (const [key, name] of entered) if (name.projectId === projectId) entered.delete(key);
      await host.commit(() => removeProject.run(projectId));
    },
    list: () => [...entered.values()],
  };
}
