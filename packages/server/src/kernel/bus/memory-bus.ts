import type { Bus } from "./bus.ts";

/** Within one process; handlers run after the publisher's turn, as they would across a network. */
export function createMemoryBus(): Bus {
  const handlers = new Map<string, Set<(message: unknown) => void>>();
  return {
    publish(topic, message) {
      if (!handlers.has(topic)) return;
      const text = JSON.stringify(message);
      queueMicrotask(() => {
        for (const handler of handlers.get(topic) ?? []) handler(JSON.parse(text));
      });
    },
    subscribe(topic, handler) {
      const set = handlers.get(topic) ?? new Set();
      handlers.set(topic, set.add(handler));
      return () => {
        set.delete(handler);
        if (set.size === 0 && handlers.get(topic) === set) handlers.delete(topic);
      };
    },
    async close() {
      handlers.clear();
    },
  };
}
