/**
 * Counts what is open at the same time on all servers of an installation, such as a project's connections. What a server
 * held that died is free again after its lease.
 */
export interface Slots {
  /**
   * Takes one of `limit` places; false when there is none. At once in memory; a promise where the counts are shared.
   *
   * @throws SERVICE_UNAVAILABLE when shared counts do not answer
   */
  take(key: string, limit: number): boolean | Promise<boolean>;
  /** Gives back one that was taken. */
  release(key: string): void;
  /** Those that this server holds. */
  held(key: string): number;
  /** Those that all servers hold. At once in memory; a promise where the counts are shared. */
  total(key: string): number | Promise<number>;
  close(): Promise<void>;
}

/** A server says this often what it holds. */
export const SLOT_REFRESH_MS = 15_000;
export const SLOT_LEASE_MS = 45_000;

/** Counts by key that forget what is zero. */
export function createCounts() {
  const counts = new Map<string, number>();
  return {
    of: (key: string): number => counts.get(key) ?? 0,
    keys: (): Iterable<string> => counts.keys(),
    /** Returns the new count. */
    add(key: string, amount: 1 | -1): number {
      const count = Math.max(0, (counts.get(key) ?? 0) + amount);
      if (count === 0) counts.delete(key);
      else counts.set(key, count);
      return count;
    },
    clear: (): void => counts.clear(),
  };
}
