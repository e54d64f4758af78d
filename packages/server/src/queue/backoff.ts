export interface Backoff {
  readonly firstSeconds: number;
  readonly maxSeconds: number;
}

/**
 * Whole seconds until a message is tried again after so many deliveries: twice as long after each, and of that at least
 * half by chance, so that a consumer which was away does not get everything at once when it is back.
 *
 * @param random in [0, 1)
 */
export function backoffSeconds({ firstSeconds, maxSeconds }: Backoff, attempts: number, random: number): number {
  const full = Math.min(firstSeconds * 2 ** (attempts - 1), maxSeconds);
  return Math.ceil(full / 2 + random * (full / 2));
}
