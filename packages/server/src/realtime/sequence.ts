const COUNTER_LIMIT = 4096;

/** Numbers that grow with time, and within a millisecond by the order of the calls; below 2^53 until the year 2039. */
export function createSequence(now: () => number): () => number {
  let last = 0;
  return () => {
    last = Math.max(now() * COUNTER_LIMIT, last + 1);
    return last;
  };
}
