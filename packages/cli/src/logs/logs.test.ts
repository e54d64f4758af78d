import { describe, expect, it } from "vitest";
import { CliError } from "../command/cli-error.ts";
import { createStyle } from "../output/style.ts";
import { parseMoment } from "./parse-moment.ts";
import { renderLogEntry } from "./render-log-entry.ts";

const NOW = Date.UTC(2026, 5, 1, 12);
const ENTRY = {
  id: "log_1",
  time: "2026-06-01T12:00:00.000Z",
  kind: "console" as const,
  level: "warn" as const,
  message: "first\nsecond \u001b[2J",
  requestId: null,
  function: "api",
  env: "staging" as const,
  version: 3,
  method: null,
  path: null,
  status: null,
  latencyMs: null,
  keyId: null,
  ip: null,
  region: null,
};

describe("a time on the command line", () => {
  it.each([
    ["15m", "2026-06-01T11:45:00.000Z"],
    ["2d", "2026-05-30T12:00:00.000Z"],
    ["2026-01-31", "2026-01-31T00:00:00.000Z"],
    ["2026-01-31 09:00", "2026-01-31T09:00:00.000Z"],
    ["2026-01-31T09:00:00+01:00", "2026-01-31T08:00:00.000Z"],
  ])("%s is %s", (text, expected) => {
    expect(parseMoment(text, "--since", NOW)).toBe(expected);
  });

  it("is refused when it cannot be read", () => {
    expect(() => parseMoment("yesterday", "--since", NOW)).toThrow(CliError);
  });
});

describe("a log entry", () => {
  const style = createStyle(false);

  it("indents the further lines of a message and shows what is not printable", () => {
    const [first, second, ...more] = renderLogEntry(ENTRY, style);
    expect(first).toMatch(/^\d\d:\d\d:\d\d\.000 warn {2}first api v3 staging$/);
    expect(second).toBe("                   second \\x1b[2J");
    expect(more).toEqual([]);
  });

  it("shows a call with its status and time", () => {
    const call = {
      ...ENTRY,
      kind: "request" as const,
      method: "GET",
      path: "/a",
      status: 200,
      latencyMs: 12.4,
      env: "production" as const,
    };
    expect(renderLogEntry(call, style)[0]?.slice(13)).toBe("warn  200 GET /a 12 ms api v3");
  });
});
