import { describe, expect, it } from "vitest";
import { createLogger } from "./log.ts";

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown> {
  const lines: string[] = [];
  write(createLogger({ level: "info", destination: { write: (line) => void lines.push(line) } }));
  return JSON.parse(lines.join("")) as Record<string, unknown>;
}

describe("the server's log", () => {
  it("leaves out secrets by name, also within objects", () => {
    const line = logged((log) =>
      log.info({
        password: "p4ss",
        headers: { "x-api-key": "k3y", authorization: "Bearer x" },
        user: { email: "a@b.c" },
      }),
    );
    expect(line).toMatchObject({
      password: "[redacted]",
      headers: { "x-api-key": "[redacted]", authorization: "[redacted]" },
      user: { email: "a@b.c" },
    });
  });

  it("masks keys and tokens wherever text quotes them, and stays JSON", () => {
    const text = 'GET /f/a/b?apiKey=sk_0123456789abcdef&x=1 "?token=abc" eyJhbGciOi.eyJzdWIi.c2ln rt_0123456789abcdef';
    const line = logged((log) => log.error({ err: new Error(text) }, text));
    expect(line.msg).toBe('GET /f/a/b?apiKey=[redacted]&x=1 "?token=[redacted]" [redacted] [redacted]');
    expect(JSON.stringify(line)).not.toContain("0123456789abcdef");
  });
});
