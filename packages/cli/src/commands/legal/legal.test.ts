import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startPlatformDouble } from "../../testing/platform-double.ts";
import { runCommand, temporaryFolder } from "../../testing/run-command.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
beforeEach(async () => {
  double = await startPlatformDouble();
});
afterEach(() => double.close());

const TIME = "2026-06-01T11:00:00.000Z";
const CASE = {
  id: "lgc_1",
  reference: "4 Js 123/26",
  authority: "District court\u001b[2J",
  legalBasis: "Section 94",
  subject: { kind: "end_user", id: "0197-user" },
  projectId: "prj_1",
  notes: "Call back.",
  state: "open",
  openedAt: TIME,
  openedBy: "usr_1",
  closedAt: null,
  closedBy: null,
  closeReason: null,
  hold: {
    inForce: true,
    placedAt: TIME,
    placedBy: "usr_1",
    toldSubject: null,
    liftedAt: null,
    liftedBy: null,
    liftReason: null,
  },
};
const run = (...argv: string[]) => runCommand(["legal", ...argv], { env: double.env });
const PATH = "/api/v1/admin/legal/cases";

describe("legal cases", () => {
  it("are opened with all that they rest on, and the id is printed", async () => {
    double.on(`POST ${PATH}`, { status: 201, json: { case: CASE } });
    const opened = await run("open", "end-user", "0197-user", "--reference", "r", "--authority", "a", "--basis", "b");
    expect(opened).toMatchObject({ exitCode: 0, stdout: "lgc_1\n" });
    expect(double.requests.at(-1)?.json()).toEqual({
      reference: "r",
      authority: "a",
      legalBasis: "b",
      subject: { kind: "end_user", id: "0197-user" },
    });
    expect((await run("open", "account", "usr_1", "--reference", "r")).exitCode).toBe(2);
    expect((await run("open", "planet", "x", "--reference", "r", "--authority", "a", "--basis", "b")).exitCode).toBe(2);
  });

  it("are listed and shown with their holds, what waits and what was disclosed", async () => {
    double.on(`GET ${PATH}`, { json: { cases: [CASE], nextCursor: null } });
    const listed = await run("list");
    expect(listed.stdout).toMatch(
      /lgc_1\s+2026-06-01 11:00\s+end-user 0197-user\s+since 2026-06-01 11:00\s+4 Js 123\/26/,
    );
    expect(listed.stdout).toContain("District court\\x1b[2J");
    expect(double.requests.at(-1)?.query).toMatchObject({ state: "open" });
    double.on(`GET ${PATH}/lgc_1`, {
      json: { case: CASE, keptBack: [{ kind: "end_user", id: "0197-user", requestedAt: TIME }] },
    });
    const disclosure = {
      id: "lgd_1",
      caseId: "lgc_1",
      categories: ["profile", "log_ins"],
      recipient: "Inspector Lee",
      createdAt: TIME,
      createdBy: "usr_1",
      finishedAt: TIME,
      bytes: 2048,
      files: 4,
      manifestSha256: "ab".repeat(32),
    };
    double.on(`GET ${PATH}/lgc_1/disclosures`, {
      json: { disclosures: [disclosure, { ...disclosure, bytes: null, manifestSha256: null }], nextCursor: null },
    });
    const { stdout } = await run("show", "lgc_1");
    expect(stdout).toMatch(/end-user\s+0197-user\s+2026-06-01 11:00/);
    expect(stdout).toMatch(/Inspector Lee\s+profile, log-ins\s+usr_1\s+2\.0? ?(?:kB|KB|KiB)\s+abab/i);
    expect(stdout).toContain("broken off");
  });

  it("are held, lifted and closed, the last two with a reason", async () => {
    for (const step of ["hold", "lift", "close"]) double.on(`POST ${PATH}/lgc_1/${step}`, { json: { case: CASE } });
    expect((await run("hold", "lgc_1", "--tell", "A court asks.")).exitCode).toBe(0);
    expect(double.requests.at(-1)?.json()).toEqual({ tellSubject: "A court asks." });
    expect((await run("hold", "lgc_1")).stderr).toContain("end-user 0197-user is deleted until");
    for (const step of ["lift", "close"]) {
      expect((await run(step, "lgc_1")).exitCode).toBe(2);
      expect((await run(step, "lgc_1", "--reason", "Done")).exitCode).toBe(0);
      expect(double.requests.at(-1)?.json()).toEqual({ reason: "Done" });
    }
  });

  it("are disclosed of into a new file that only its owner reads, and into none where the request is refused", async () => {
    const cwd = temporaryFolder();
    const disclose = (...argv: string[]) =>
      runCommand(["legal", "disclose", "lgc_1", ...argv], { env: double.env, cwd });
    const asked = ["--category", "log-ins", "--category", "profile", "--to", "Inspector Lee", "-o", "case.zip"];
    double.on(`POST ${PATH}/lgc_1/disclosures`, {
      status: 409,
      json: { error: { code: "CONFLICT", message: "This case is closed.", fix: "", requestId: "req_1" } },
    });
    expect((await disclose(...asked)).exitCode).not.toBe(0);
    expect(existsSync(join(cwd, "case.zip"))).toBe(false);
    double.on(`POST ${PATH}/lgc_1/disclosures`, { body: "an archive", headers: { "content-type": "application/zip" } });
    const made = await disclose(...asked);
    expect(made.exitCode, made.stderr).toBe(0);
    expect(readFileSync(join(cwd, "case.zip"), "utf8")).toBe("an archive");
    expect(double.requests.at(-1)?.json()).toEqual({ categories: ["log_ins", "profile"], recipient: "Inspector Lee" });
    writeFileSync(join(cwd, "case.zip"), "mine");
    expect((await disclose(...asked)).exitCode).toBe(2);
    expect(readFileSync(join(cwd, "case.zip"), "utf8")).toBe("mine");
    for (const argv of [[], ["--category", "profile"], ["--category", "weather", "--to", "x", "-o", "y"]]) {
      expect((await disclose(...argv)).exitCode, argv.join(" ")).toBe(2);
    }
  });
});
