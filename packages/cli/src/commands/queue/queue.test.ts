import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT, startPlatformDouble } from "../../testing/platform-double.ts";
import { runCommand } from "../../testing/run-command.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
beforeEach(async () => {
  double = await startPlatformDouble();
});
afterEach(() => double.close());

const run = (argv: readonly string[]) => runCommand([...argv, "--project", PROJECT.slug], { env: double.env });

const ENDPOINT = {
  queue: "orders",
  url: "https://shop.example.com/hook",
  maxRetries: 15,
  deadLetterQueue: "orders-dead",
  createdAt: "2026-06-01T00:00:00.000Z",
  updatedAt: "2026-06-01T00:00:00.000Z",
};
const PATH = "/api/v1/projects/*/queues/orders/endpoint";

describe("queue jobs", () => {
  it("shows what became of jobs, and asks for the state and type that are named", async () => {
    double.on("GET /api/v1/projects/*/jobs", {
      json: {
        jobs: [
          {
            id: "01ab",
            type: "mail",
            data: {},
            status: "failed",
            projectId: "prj_1",
            createdAt: "2026-06-01T00:00:00.000Z",
            attempts: 4,
            error: "no\u001b[2J route",
          },
        ],
        nextCursor: null,
      },
    });
    const { stdout } = await run(["queue", "jobs", "--status", "failed", "--type", "mail"]);
    expect(stdout).toMatch(/01ab\s+mail\s+failed\s+4\s+.*no\\x1b\[2J route/);
    expect(double.requests.at(-1)?.query).toEqual({ status: "failed", type: "mail", limit: "50" });
    expect((await run(["queue", "jobs", "--status", "lost"])).exitCode).toBe(2);
  });
});

describe("queue cancel", () => {
  it("says why it was too late, and ends with 1 then", async () => {
    double.on("POST /api/v1/projects/*/jobs/01ab/cancel", { json: { success: false, note: "It has completed." } });
    expect(await run(["queue", "cancel", "01ab"])).toMatchObject({ stdout: "It has completed.\n", exitCode: 1 });
    double.on("POST /api/v1/projects/*/jobs/01ab/cancel", { json: { success: true } });
    expect(await run(["queue", "cancel", "01ab"])).toMatchObject({ stdout: "Cancelled.\n", exitCode: 0 });
  });
});

describe("queue endpoint", () => {
  it("writes a new secret alone to stdout, and nothing when the endpoint only changes", async () => {
    double.on(`PUT ${PATH}`, { json: { endpoint: ENDPOINT, secret: "whsec_abc" } });
    const argv = ["queue", "endpoint", "orders", ENDPOINT.url];
    expect(await run([...argv, "--max-retries", "3"])).toMatchObject({ stdout: "whsec_abc\n", exitCode: 0 });
    expect(double.requests.at(-1)?.json()).toEqual({ url: ENDPOINT.url, maxRetries: 3 });
    double.on(`PUT ${PATH}`, { json: { endpoint: ENDPOINT, secret: null } });
    expect(await run(argv)).toMatchObject({ stdout: "", exitCode: 0 });
  });

  it("shows it, makes a new secret, and removes it after asking", async () => {
    double.on(`GET ${PATH}`, { json: { endpoint: ENDPOINT } });
    expect((await run(["queue", "endpoint", "orders"])).stdout).toContain(`${ENDPOINT.url}\n`);
    double.on(`POST ${PATH}/secret`, { json: { secret: "whsec_new", previousUntil: ENDPOINT.createdAt } });
    expect((await run(["queue", "endpoint", "orders", "--rotate-secret"])).stdout).toBe("whsec_new\n");
    double.on(`DELETE ${PATH}`, { json: { success: true } });
    expect((await run(["queue", "endpoint", "orders", "--remove"])).exitCode).toBe(2);
    expect((await run(["queue", "endpoint", "orders", "--remove", "--yes"])).exitCode).toBe(0);
  });

  it("refuses what contradicts itself", async () => {
    for (const argv of [["https://a.example", "--remove"], ["--remove", "--rotate-secret"], ["--dry-run"]]) {
      expect((await run(["queue", "endpoint", "orders", ...argv])).exitCode).toBe(2);
    }
  });
});
