/**
 * Bounds the bytes that the requests of one owner hold in memory at once, so that one project's large bodies cannot
 * exhaust the process that serves all. Who finds no room waits for its owner's earlier requests only.
 */
export interface ByteBudget {
  /** Resolves once there is room. The returned function gives the bytes back; call it exactly once. */
  take(owner: string, bytes: number): Promise<() => void>;
}

interface Account {
  used: number;
  readonly waiting: { readonly bytes: number; readonly start: () => void }[];
}

/** @param maxBytesPerOwner at least what a single request may take. */
export function createByteBudget(maxBytesPerOwner: number): ByteBudget {
  const accounts = new Map<string, Account>();

  function startWaiting(owner: string, account: Account): void {
    for (let next = account.waiting[0]; next !== undefined; next = account.waiting[0]) {
      if (account.used + next.bytes > maxBytesPerOwner) return;
      account.waiting.shift();
      account.used += next.bytes;
      next.start();
    }
    if (account.used === 0) accounts.delete(owner);
  }

  return {
    take(owner, bytes) {
      if (bytes > maxBytesPerOwner) return Promise.reject(new RangeError(`${bytes} bytes are more than the budget`));
      let account = accounts.get(owner);
      if (account === undefined) {
        account = { used: 0, waiting: [] };
        accounts.set(owner, account);
      }
      const own = account;
      return new Promise((resolve) => {
        own.waiting.push({
          bytes,
          start: () =>
            resolve(() => {
              own.used -= bytes;
              startWaiting(owner, own);
            }),
        });
        startWaiting(owner, own);
      });
    },
  };
}
