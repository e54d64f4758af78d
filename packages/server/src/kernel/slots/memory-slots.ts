import { createCounts, type Slots } from "./slots.ts";

/** Of this process alone. */
export function createMemorySlots(): Slots & { take(key: string, limit: number): boolean } {
  const counts = createCounts();
  return {
    take(key, limit) {
      if (counts.of(key) >= limit) return false;
      counts.add(key, 1);
      return true;
    },
    release: (key) => void counts.add(key, -1),
    held: counts.of,
    total: counts.of,
    async close() {
      counts.clear();
    },
  };
}
