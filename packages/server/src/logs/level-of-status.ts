import type { LogLevel } from "./log-entry.ts";

const FIRST_CLIENT_ERROR = 400;
const FIRST_SERVER_ERROR = 500;

/** How grave a served request is, by what it was answered. */
export function levelOfStatus(status: number): LogLevel {
  if (status >= FIRST_SERVER_ERROR) return "error";
  return status >= FIRST_CLIENT_ERROR ? "warn" : "info";
}
