import { describe, expect, it } from "vitest";
import { cleanStartMessage } from "./start-message.ts";

const nameOf = (service: string): string | undefined => (service === "fn0" ? "api" : undefined);

describe("start messages", () => {
  it.each([
    ["service fn0: Uncaught Error: no\n  at main.js:1:16\n", "api: Uncaught Error: no\n  at main.js:1:16"],
    [
      'Worker "fn0"\'s binding "A" refers to service "fn0" with a named entrypoint "Nope"',
      'Worker "api"\'s binding "A" refers to service "api" with a named entrypoint "Nope"',
    ],
    [
      "workerd/api/x.c++:828: warning: NOSENTRY compile cache\nservice fn0: Uncaught Error: at /srv/data/run/w/x/main.js\nstack: /usr/lib/libc.so@1 /opt/a/b@2\n",
      "api: Uncaught Error: at …",
    ],
    [
      "service fn0: Uncaught Error: see https://docs.test/workers/handlers/",
      "api: Uncaught Error: see https://docs.test/workers/handlers/",
    ],
    ["workerd/server/x.rs:3: error: something broke\n\n", "something broke"],
  ])("%j", (output, message) => {
    expect(cleanStartMessage(output, nameOf)).toBe(message);
  });
});
