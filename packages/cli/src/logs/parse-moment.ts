import { usageError } from "../command/cli-error.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `15m`, `2h`, `1d` before now, or a date with or without time (UTC where it says no zone), as ISO-8601. */
export function parseMoment(text: string, name: string, nowMs: number): string {
  const relative = /^(\d{1,6})([smhd])$/.exec(text);
  if (relative !== null) {
    return new Date(nowMs - Number(relative[1]) * (UNIT_MS[relative[2] ?? ""] ?? 0)).toISOString();
  }
  const zoned =
    /T.*(?:Z|[+-]\d{2}:?\d{2})$/.test(text) || /^\d{4}-\d{2}-\d{2}$/.test(text) ? text : `${text.replace(" ", "T")}Z`;
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(ms))
    throw usageError(`${name} is '${text}'; give 15m, 2h, 1d, or a time such as 2026-01-31T09:00:00Z.`);
  return new Date(ms).toISOString();
}
