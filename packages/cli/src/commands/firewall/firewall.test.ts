import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PROJECT, startPlatformDouble } from "../../testing/platform-double.ts";
import { runCommand } from "../../testing/run-command.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
beforeEach(async () => {
  double = await startPlatformDouble();
});
afterEach(() => double.close());

const run = (...argv: string[]) => runCommand(["firewall", ...argv, "--project", PROJECT.slug], { env: double.env });
const PATH = "/api/v1/projects/*/firewall";
const EXCEPTION = {
  id: "fwx_1",
  rule: 6001,
  pathPrefix: "/f/shop/search",
  parameter: null,
  createdAt: "2026-06-01T00:00:00.000Z",
};

describe("firewall show", () => {
  it("says whether the mode is the project's own, and what is left out", async () => {
    double.on(`GET ${PATH}`, {
      json: { firewall: { mode: null, effectiveMode: "detect", inspectFunctionBodies: false, exceptions: [] } },
    });
    expect((await run("show")).stdout).toBe("detect (as the installation does)\n");
    double.on(`GET ${PATH}`, {
      json: {
        firewall: { mode: "block", effectiveMode: "block", inspectFunctionBodies: true, exceptions: [EXCEPTION] },
      },
    });
    expect((await run("show")).stdout).toMatch(
      /^block, bodies of functions too\n[\s\S]*fwx_1\s+6001\s+\/f\/shop\/search\s+every/,
    );
  });
});

describe("firewall mode", () => {
  it("sends the mode, null for the installation's, and refuses others before anything is sent", async () => {
    double.on(`PATCH ${PATH}`, {
      json: { firewall: { mode: "block", effectiveMode: "block", inspectFunctionBodies: true, exceptions: [] } },
    });
    expect((await run("mode", "block")).exitCode).toBe(0);
    expect(double.requests.at(-1)?.json()).toEqual({ mode: "block" });
    expect((await run("mode", "default")).exitCode).toBe(0);
    expect(double.requests.at(-1)?.json()).toEqual({ mode: null });
    expect((await run("mode", "block", "--function-bodies", "on")).exitCode).toBe(0);
    expect(double.requests.at(-1)?.json()).toEqual({ mode: "block", inspectFunctionBodies: true });
    const before = double.requests.length;
    expect(await run("mode", "loud")).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("'loud'") });
    expect(double.requests).toHaveLength(before);
  });
});

describe("firewall except", () => {
  it("prints the new exception's id, and takes one back after asking", async () => {
    double.on(`POST ${PATH}/exceptions`, { status: 201, json: { exception: EXCEPTION } });
    expect(await run("except", "--rule", "6001", "--path", "/f/shop/search")).toMatchObject({ stdout: "fwx_1\n" });
    expect(double.requests.at(-1)?.json()).toEqual({ rule: 6001, pathPrefix: "/f/shop/search" });
    double.on(`DELETE ${PATH}/exceptions/fwx_1`, { json: { success: true } });
    expect((await run("except", "--remove", "fwx_1")).exitCode).toBe(2);
    expect((await run("except", "--remove", "fwx_1", "--yes")).exitCode).toBe(0);
    expect(double.requests.at(-1)?.method).toBe("DELETE");
  });

  it("refuses what names nothing, and what contradicts itself", async () => {
    for (const argv of [
      [],
      ["--rule", "6001", "--remove", "fwx_1"],
      ["--rule", "6001", "--dry-run"],
      ["--rule", "1"],
    ]) {
      expect((await run("except", ...argv)).exitCode, argv.join(" ")).toBe(2);
    }
  });
});

describe("firewall hits", () => {
  it("shows the lines, with what a client wrote made harmless, and how to see more", async () => {
    const hit = {
      id: "fwh_1",
      day: "2026-06-01",
      rule: 6001,
      ruleName: "union of another query",
      category: "sql",
      action: "blocked",
      path: "/f/shop/\u001b[2J",
      parameter: "q",
      count: 12,
      firstAt: "2026-06-01T00:00:00.000Z",
      lastAt: "2026-06-01T00:00:00.000Z",
      lastRequestId: "req_1",
      lastIp: null,
      lastRegion: null,
    };
    double.on(`GET ${PATH}/hits`, { json: { hits: [hit, { ...hit, path: null }], nextCursor: "fwh_1" } });
    const { stdout, stderr } = await run("hits", "--limit", "2");
    expect(stdout).toMatch(/2026-06-01\s+12\s+blocked\s+6001\s+union of another query\s+\/f\/shop\/\\x1b\[2J\s+q/);
    expect(stdout).toContain("(many)");
    expect(stderr).toContain("--cursor fwh_1");
    expect(double.requests.at(-1)?.query).toEqual({ limit: "2" });
  });
});
