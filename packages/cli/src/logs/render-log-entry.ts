import type { LogLine } from "@aerostack/contracts";
import { formatDuration } from "../output/format.ts";
import { printable, printableLine } from "../output/printable.ts";
import type { Style } from "../output/style.ts";

const LEVEL_COLUMNS = 5;
const SERVER_ERROR = 500;
const CLIENT_ERROR = 400;

/** One entry as lines: the first with time, level and what happened, further ones of a message indented below. */
export function renderLogEntry(entry: LogLine, style: Style): string[] {
  const time = style.dim(clockTime(entry.time));
  const level = paintLevel((entry.level ?? "info").padEnd(LEVEL_COLUMNS), entry.level, style);
  const origin = style.dim(originOf(entry));
  if (entry.kind === "request" && entry.method != null) {
    const status = paintStatus(entry.status ?? 0, style);
    const took = entry.latencyMs == null ? "" : style.dim(formatDuration(entry.latencyMs));
    const request = `${printableLine(entry.method)} ${printableLine(entry.path ?? "")}`;
    return [[time, level, status, request, took, origin].filter((part) => part !== "").join(" ")];
  }
  const [first = "", ...more] = printable(entry.message ?? "").split("\n");
  const indent = " ".repeat(clockTime(entry.time).length + LEVEL_COLUMNS + 2);
  return [[time, level, first, origin].filter((part) => part !== "").join(" "), ...more.map((line) => indent + line)];
}

/** Local time of day with milliseconds; a reader who needs the date or UTC uses --json. */
function clockTime(time: string): string {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return printableLine(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

function originOf({ function: name, env, version }: LogLine): string {
  if (name == null) return "";
  const staging = env === "staging" ? " staging" : "";
  return `${printableLine(name)}${version == null ? "" : ` v${version}`}${staging}`;
}

function paintLevel(text: string, level: string | null | undefined, style: Style): string {
  if (level === "error") return style.danger(text);
  if (level === "warn") return style.warning(text);
  return style.dim(text);
}

function paintStatus(status: number, style: Style): string {
  const text = String(status);
  if (status >= SERVER_ERROR) return style.danger(text);
  if (status >= CLIENT_ERROR) return style.warning(text);
  return style.success(text);
}
