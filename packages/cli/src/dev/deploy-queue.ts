export interface DeployQueue<Item> {
  /** Replaces what waits under the same name: only the newest build of a function is worth deploying. */
  push(name: string, item: Item): void;
  /** Waits for what is under way and drops what waits. */
  close(): Promise<void>;
}

/** Runs `deploy` for one item at a time, in the order of `names`, first once every name has had an item. */
export function createDeployQueue<Item>(
  names: readonly string[],
  deploy: (name: string, item: Item) => Promise<void>,
): DeployQueue<Item> {
  const waiting = new Map<string, Item>();
  const seen = new Set<string>();
  let running: Promise<void> | undefined;
  let closed = false;

  async function drain(): Promise<void> {
    for (;;) {
      const name = names.find((candidate) => waiting.has(candidate));
      if (name === undefined || closed) return;
      const item = waiting.get(name) as Item;
      waiting.delete(name);
      await deploy(name, item);
    }
  }

  function start(): void {
    if (running !== undefined || closed || waiting.size === 0 || seen.size < names.length) return;
    running = drain().finally(() => {
      running = undefined;
      start();
    });
  }

  return {
    push(name, item) {
      waiting.set(name, item);
      seen.add(name);
      start();
    },
    async close() {
      closed = true;
      waiting.clear();
      await running;
    },
  };
}
