import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT, startPlatformDouble } from "../../testing/platform-double.ts";
import { runCommand } from "../../testing/run-command.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
beforeEach(async () => {
  double = await startPlatformDouble();
});
afterEach(() => double.close());

const run = (argv: readonly string[]) => runCommand([...argv, "--project", PROJECT.slug], { env: double.env });

const HELD = {
  id: "msg_1",
  channel: "mail",
  kind: "otp-email",
  status: "held",
  sender: null,
  error: null,
  attempts: 0,
  createdAt: "2026-06-01T00:00:00.000Z",
  message: { to: "ada@example.com", subject: "123456 is your code", text: "Your code is 123456.\n\n\u001b[2JBye" },
};
const SENT = { ...HELD, id: "msg_2", status: "sent", sender: "Resend", message: null };

describe("outbox list", () => {
  it("shows what waits and what was sent, and everything as JSON", async () => {
    const answer = { messages: [SENT, HELD], nextCursor: "msg_1" };
    double.on("GET /api/v1/projects/*/auth/outbox", { json: answer });
    const { stdout, stderr } = await run(["outbox", "list", "--limit", "2"]);
    expect(stdout).toMatch(/msg_1\s+held\s+otp-email\s+ada@example.com\s+123456 is your code/);
    expect(stdout).toMatch(/msg_2\s+sent\s+otp-email\s+–\s+–/);
    expect(stderr).toContain("--cursor msg_1");
    expect(double.requests.at(-1)?.query).toEqual({ limit: "2" });
    expect(JSON.parse((await run(["outbox", "list", "--json"])).stdout)).toEqual(answer);
  });

  it("says so when there is none", async () => {
    double.on("GET /api/v1/projects/*/auth/outbox", { json: { messages: [], nextCursor: null } });
    expect((await run(["outbox", "list"])).stderr).toContain("No messages.");
  });
});

describe("outbox show", () => {
  it("shows receiver and text, and lets none of it command the terminal", async () => {
    double.on("GET /api/v1/projects/*/auth/outbox/msg_1", { json: { message: HELD } });
    const { stdout } = await run(["outbox", "show", "msg_1"]);
    expect(stdout).toContain("To:      ada@example.com\nSubject: 123456 is your code\n\nYour code is 123456.\n");
    expect(stdout).toContain("\\x1b[2JBye");
    expect(stdout).not.toContain("\u001b[2J");
  });

  it("says who sent a message whose text is not kept", async () => {
    double.on("GET /api/v1/projects/*/auth/outbox/msg_2", { json: { message: SENT } });
    const { stdout } = await run(["outbox", "show", "msg_2"]);
    expect(stdout).toContain("Status:  sent, by Resend");
    expect(stdout).toContain("neither receiver nor text is kept");
  });
});
