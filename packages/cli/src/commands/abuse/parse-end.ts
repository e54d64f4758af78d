import { usageError } from "../../command/cli-error.ts";
import { parseMoment } from "../../logs/parse-moment.ts";

/** `2h` or `7d` from now, or a time as `parseMoment` takes it, as ISO-8601. It lies ahead. */
export function parseEnd(text: string, name: string, nowMs: number): string {
  const moment = Date.parse(parseMoment(text, name, nowMs));
  const ms = /^\d+[smhd]$/.test(text) ? nowMs + (nowMs - moment) : moment;
  if (ms <= nowMs) throw usageError(`${name} is '${text}', which is past.`);
  return new Date(ms).toISOString();
}
