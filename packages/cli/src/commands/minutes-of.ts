/** `2026-06-01 12:00`, UTC. */
export function minutesOf(time: string): string {
  return time.slice(0, "2026-01-01T00:00".length).replace("T", " ");
}
