import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT, startPlatformDouble } from "../testing/platform-double.ts";
import { runCommand } from "../testing/run-command.ts";
import { failure } from "../testing/server-double.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
beforeEach(async () => {
  double = await startPlatformDouble();
});
afterEach(() => double.close());

function entry(id: number, message: string) {
  const nothing = {
    requestId: null,
    version: 1,
    method: null,
    path: null,
    status: null,
    latencyMs: null,
    keyId: null,
    ip: null,
    region: null,
  };
  const time = new Date(Date.UTC(2026, 5, 1, 11, 0, id)).toISOString();
  return {
    id: `log_${id}`,
    time,
    kind: "console",
    level: "info",
    message,
    function: "api",
    env: "production",
    ...nothing,
  };
}

describe("logs", () => {
  it("shows a page oldest first and passes the filters on", async () => {
    double.on("GET /api/v1/projects/*/logs", {
      json: { logs: [entry(2, "second"), entry(1, "first")], nextCursor: "older" },
    });
    const argv = [
      "logs",
      "--project",
      PROJECT.slug,
      "--level",
      "warn",
      "--status",
      "5xx",
      "--since",
      "1h",
      "--text",
      "boom",
      "--function",
      "api",
    ];
    const { stdout, stderr } = await runCommand(argv, { env: double.env });
    expect(stdout.split("\n").map((line) => line.slice(13))).toEqual(["info  first api v1", "info  second api v1", ""]);
    expect(stderr).toBe("Older: add --cursor older\n");
    expect(double.requests.at(-1)?.query).toEqual({
      function: "api",
      level: "warn",
      status: "5xx",
      text: "boom",
      since: "2026-06-01T11:00:00.000Z",
      limit: "50",
    });
  });

  it("--follow goes on over a broken stream, shows nothing twice, and ends with 0 at Ctrl-C", async () => {
    let pages = 0;
    double.on("GET /api/v1/projects/*/logs", () => {
      pages += 1;
      const logs = pages === 1 ? [entry(1, "before")] : [entry(3, "during the break"), entry(2, "live")];
      return { json: { logs, nextCursor: null } };
    });
    const lines = [entry(2, "live"), entry(4, "after the break")];
    let streams = 0;
    let ends = 0;
    const stop = new AbortController();
    double.on("GET /api/v1/projects/*/logs/tail", () => {
      streams += 1;
      // The second attempt fails as a restarting server does; the third works.
      if (streams === 2) return failure(503, "SERVICE_UNAVAILABLE", "Restarting.");
      const event = (line: unknown) => `data: ${JSON.stringify(line)}\n\n`;
      if (streams === 1) return { body: `: hello\n\n${event(entry(1, "before"))}${event(lines[0])}` };
      return { stream: (write) => write(event(lines[1])) };
    });
    const { exitCode, stdout, stderr } = await runCommand(["logs", "-f", "--project", PROJECT.slug, "--json"], {
      env: double.env,
      signal: stop.signal,
      onOutput: (text) => {
        if (/after the break|during the break/.test(text) && ++ends === 2) stop.abort();
      },
    });
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
    const messages = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { message: string }).message);
    expect(messages.toSorted()).toEqual(["after the break", "before", "during the break", "live"]);
  });

  it("--follow does not wait for a key to become valid", async () => {
    double.on("GET /api/v1/projects/*/logs", { json: { logs: [], nextCursor: null } });
    double.on("GET /api/v1/projects/*/logs/tail", failure(401, "AUTH_INVALID_KEY", "Revoked."));
    expect((await runCommand(["logs", "-f", "--project", PROJECT.slug], { env: double.env })).exitCode).toBe(3);
  });
});
