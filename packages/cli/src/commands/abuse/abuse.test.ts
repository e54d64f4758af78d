import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT, startPlatformDouble } from "../../testing/platform-double.ts";
import { runCommand } from "../../testing/run-command.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
beforeEach(async () => {
  double = await startPlatformDouble();
});
afterEach(() => double.close());

const run = (...argv: string[]) => runCommand(["abuse", ...argv], { env: double.env });
const TIME = "2026-06-01T11:00:00.000Z";
const BLOCK = {
  id: "blk_1",
  kind: "end_user",
  subject: "0197-user",
  projectId: "prj_1",
  reason: "Spam\u001b[2J",
  isReasonPublic: false,
  state: "in_force",
  createdAt: TIME,
  createdBy: "usr_1",
  endsAt: null as string | null,
  liftedAt: null as string | null,
  liftedBy: null as string | null,
  liftReason: null as string | null,
};
const FINDING = {
  id: "spike|network|192.0.2.1/32|prj_1|calls",
  kind: "key_refused",
  severity: "high",
  subject: { kind: "key", id: "key_1" },
  projectId: "prj_1",
  count: 12,
  firstAt: TIME,
  lastAt: TIME,
  summary: "Used 12 times from an address that it may not be used from",
  examples: ["192.0.2.50"],
  evidence: [],
  block: "blk_1" as string | null,
};

describe("abuse list", () => {
  it("shows a project's findings, or with --installation everybody's, and what is blocked already", async () => {
    const answer = { json: { findings: [FINDING, { ...FINDING, block: null }], nextCursor: "next" } };
    double.on("GET /api/v1/admin/abuse", answer);
    double.on("GET /api/v1/projects/*/abuse", answer);
    const all = await run("list", "--installation", "--kind", "key-refused", "--since", "2h");
    expect(all.stdout).toMatch(
      /high\s+key-refused\s+key_1\s+prj_1\s+2026-06-01 11:00\s+Used 12 times.*\(blocked: blk_1\)\n/,
    );
    expect(all.stdout.match(/blocked/g)).toHaveLength(1);
    expect(all.stderr).toContain("--cursor next");
    expect(double.requests.at(-1)?.query).toMatchObject({ kind: "key_refused", since: "2026-06-01T10:00:00.000Z" });
    const own = await run("list", "--project", PROJECT.slug);
    expect(own.stdout).toMatch(/high\s+key-refused\s+key_1\s+2026-06-01/);
    double.on("GET /api/v1/admin/abuse", { json: { findings: [], nextCursor: null } });
    expect((await run("list", "--installation")).stderr).toBe("Nothing looks like abuse.\n");
    expect((await run("list", "--kind", "weather")).exitCode).toBe(2);
  });
});

describe("abuse block", () => {
  it("asks first, sends the reason and the end, and prints the block's id", async () => {
    double.on("POST /api/v1/admin/blocks", { status: 201, json: { block: { ...BLOCK, endsAt: TIME } } });
    const argv = ["block", "end-user", "0197-user", "--reason", "Spam", "--until", "7d"] as const;
    expect(await run(...argv)).toMatchObject({ exitCode: 2 });
    expect(double.requests.filter(({ method }) => method === "POST")).toHaveLength(0);
    const made = await run(...argv, "--public", "--yes");
    expect(made).toMatchObject({ exitCode: 0, stdout: "blk_1\n" });
    expect(double.requests.at(-1)?.json()).toEqual({
      kind: "end_user",
      subject: "0197-user",
      reason: "Spam",
      isReasonPublic: true,
      endsAt: "2026-06-08T12:00:00.000Z",
    });
    const dry = await run("block", "network", "192.0.2.0/24", "--reason", "Spam", "--dry-run");
    expect(dry.stdout).toBe("Would block network 192.0.2.0/24 until it is lifted.\n");
  });

  it("refuses what has no reason, has ended already, or cannot be blocked", async () => {
    for (const argv of [
      ["block", "account", "usr_1"],
      ["block", "planet", "earth", "--reason", "No"],
      ["block", "account", "usr_1", "--reason", "No", "--until", "2020-01-01"],
      ["block", "account", "usr_1", "--reason", "No", "--until", "soon"],
      ["unblock", "blk_1"],
    ]) {
      expect((await run(...argv, "--yes")).exitCode, argv.join(" ")).toBe(2);
    }
  });
});

describe("abuse blocks and unblock", () => {
  it("shows who is kept out, or what became of everybody, with foreign text made harmless", async () => {
    double.on("GET /api/v1/admin/blocks", {
      json: {
        blocks: [BLOCK, { ...BLOCK, state: "lifted", liftedAt: TIME, liftedBy: "usr_1", liftReason: "Mended" }],
        nextCursor: null,
      },
    });
    const now = await run("blocks", "--kind", "end-user");
    expect(now.stdout).toMatch(/blk_1\s+end-user\s+0197-user\s+2026-06-01 11:00\s+no end\s+Spam\\x1b\[2J\n/);
    expect(double.requests.at(-1)?.query).toMatchObject({ state: "in_force", kind: "end_user" });
    const all = await run("blocks", "--all");
    expect(all.stdout).toMatch(/in force\s+Spam/);
    expect(all.stdout).toMatch(/lifted 2026-06-01 11:00: Mended/);
    expect(double.requests.at(-1)?.query.state).toBeUndefined();
  });

  it("lifts a block with a reason", async () => {
    double.on("POST /api/v1/admin/blocks/blk_1/lift", { json: { block: { ...BLOCK, state: "lifted" } } });
    const lifted = await run("unblock", "blk_1", "--reason", "It was a test");
    expect(lifted).toMatchObject({ exitCode: 0, stderr: "✓ Unblocked end-user 0197-user\n" });
    expect(double.requests.at(-1)?.json()).toEqual({ reason: "It was a test" });
  });
});
