/** The value below which `share` (0 to 1) of the samples lie. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  if (value === undefined) throw new Error("no samples");
  return value;
}

/** Calls `work` one after another until `until` settles (at least `least` times) and gives back how long each took (ms). */
export async function measureWhile(
  work: () => Promise<void>,
  until: Promise<unknown>,
  least: number,
): Promise<number[]> {
  let over = false;
  const end = (): void => {
    over = true;
  };
  until.then(end, end);
  const samples: number[] = [];
  while (!over || samples.length < least) {
    const startedAt = performance.now();
    await work();
    samples.push(performance.now() - startedAt);
  }
  return samples;
}
