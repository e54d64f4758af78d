/** Counts what each project has under way at once. */
export interface ConcurrencyLimit {
  /** Takes a place; null when none is free. The function gives it back, once. */
  take(projectId: string): (() => void) | null;
  readonly inFlight: number;
}

export function createConcurrencyLimit(maxPerProject: number): ConcurrencyLimit {
  const counts = new Map<string, number>();
  let inFlight = 0;
  return {
    take(projectId) {
      const count = counts.get(projectId) ?? 0;
      if (count >= maxPerProject) return null;
      counts.set(projectId, count + 1);
      inFlight++;
      let given = false;
      return () => {
        if (given) return;
        given = true;
        inFlight--;
        const left = (counts.get(projectId) ?? 1) - 1;
        if (left === 0) counts.delete(projectId);
        else counts.set(projectId, left);
      };
    },
    get inFlight() {
      return inFlight;
    },
  };
}
