import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../local-server/start-server.ts";
import { type Outcome, type RunOptions, runCommand, temporaryFolder } from "../../testing/run-command.ts";

let server: RunningServer;
let project: { id: string };
const home = temporaryFolder();
const cwd = temporaryFolder();

const run = (argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  runCommand(argv, { env: { AEROSTACK_API_URL: server.url }, home, cwd, now: Date.now(), ...options });

/** Runs a command that succeeds. */
async function json<Answer>(...argv: string[]): Promise<Answer> {
  const outcome = await run([...argv, "--json"]);
  expect(outcome, outcome.stderr).toMatchObject({ exitCode: 0, stderr: "" });
  return outcome.json() as Answer;
}

beforeAll(async () => {
  server = await startServer({ port: 0, dataDirectory: temporaryFolder(), env: process.env });
  const login = ["login", "--email", "ada@example.com", "--setup-token", server.setupToken ?? "", "--yes"];
  expect(await run(login, { stdin: "Passw0rd-1" })).toMatchObject({ exitCode: 0 });
  ({ project } = await json<{ project: { id: string } }>("projects", "create", "=Shop"));
  expect(await run(["link", project.id])).toMatchObject({ exitCode: 0 });
});
afterAll(() => server.stop());

interface Made {
  key: { id: string; prefix: string; scopes: string[]; allowedIps: string[]; expiresAt: string | null };
  secret: string;
}

describe("aerostack keys, on a real server", () => {
  it("makes keys with scopes, addresses and an end, and lists them with those", async () => {
    const limits = ["--scope", "db:read", "--scope", "logs:read", "--ip", "192.0.2.0/24", "--expires", "2099-01-31"];
    const { key } = await json<Made>("keys", "create", "Reports", ...limits);
    expect(key).toMatchObject({
      scopes: ["db:read", "logs:read"],
      allowedIps: ["192.0.2.0/24"],
      expiresAt: "2099-01-31T00:00:00.000Z",
    });
    const { stdout } = await run(["keys", "list"]);
    const line = stdout.split("\n").find((text) => text.includes(key.id)) ?? "";
    expect(line.trim().split(/\s{2,}/)).toEqual([
      "Reports",
      "secret",
      `${key.prefix}…`,
      "db:read logs:read",
      "192.0.2.0/24",
      "just now",
      "never",
      "until 2099-01-31",
      key.id,
    ]);
    const account = await json<Made>("keys", "create", "CI", "--account", "--scope", "read", "--expires", "2099-01-31");
    expect(account.key).toMatchObject({ scopes: ["read"], expiresAt: "2099-01-31T00:00:00.000Z" });
    const wrong = await run(["keys", "create", "x", "--scope", "everything"]);
    expect(wrong).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("scopes") });
  });

  it("rotates a key: both work until the grace is over, and without one the old key ends at once", async () => {
    const validate = (key: string) =>
      fetch(`${server.url}/api/v1/cli/validate`, { method: "POST", headers: { "x-api-key": key } }).then(
        ({ status }) => status,
      );
    const old = await json<Made>("keys", "create", "Old");
    const dry = await run(["keys", "rotate", old.key.id, "--dry-run"]);
    expect(dry.stdout).toBe(`Would rotate key ${old.key.id} of shop; it would end in a day.\n`);
    const next = await json<Made>("keys", "rotate", old.key.id);
    expect([await validate(old.secret), await validate(next.secret)]).toEqual([200, 200]);
    const again = await run(["keys", "rotate", old.key.id]);
    expect(again).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("rotated, revoked or has expired") });
    const unasked = await run(["keys", "rotate", next.key.id, "--grace", "0"]);
    expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("Add --yes") });
    const last = await json<Made>("keys", "rotate", next.key.id, "--grace", "0", "--yes");
    expect([await validate(next.secret), await validate(last.secret)]).toEqual([401, 200]);
    expect((await run(["keys", "list"])).stdout).toMatch(/^Old .* rotated, ends 2\d{3}-\d\d-\d\d \d\d:\d\d .*$/m);
    expect(await run(["keys", "rotate", "key_none"])).toMatchObject({ exitCode: 4 });
    expect(await run(["keys", "rotate", last.key.id, "--grace", "-1"])).toMatchObject({ exitCode: 2 });
  });
});

describe("aerostack audit, on a real server", () => {
  it("lists who did what to the project, and keeps to the filters", async () => {
    const { key } = await json<Made>("keys", "create", "Audited");
    expect(await run(["keys", "revoke", key.id, "--yes"])).toMatchObject({ exitCode: 0 });
    const { stdout, stderr } = await run(["audit", "list", "--target", key.id]);
    expect(stderr).toBe("");
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^Time +Who +Action +What +From$/);
    expect(lines[1]).toMatch(new RegExp(`^\\d{4}-\\d\\d-\\d\\d [\\d:]{8} +usr_\\w+ +key\\.revoked +${key.id} +\\S+$`));
    expect(lines[2]).toMatch(/ key\.created /);
    expect(lines).toHaveLength(3);
    const created = await json<{ entries: { action: string; projectId: string }[] }>(
      "audit",
      "list",
      "--action",
      "key.created",
    );
    expect(new Set(created.entries.map(({ action, projectId }) => `${action} ${projectId}`))).toEqual(
      new Set([`key.created ${project.id}`]),
    );
    const none = await run(["audit", "list", "--until", "2020-01-01"]);
    expect(none).toMatchObject({ exitCode: 0, stdout: "", stderr: "No entries of shop.\n" });
    const all = await json<{ entries: { action: string }[] }>("audit", "list", "--installation");
    expect(all.entries.map(({ action }) => action)).toContain("account_key.created");
    expect(await run(["audit", "list", "--organisation", "org_none"])).toMatchObject({ exitCode: 4 });
    expect(await run(["audit", "list", "--action", "KEY"])).toMatchObject({ exitCode: 1 });
    expect(await run(["audit", "list", "--installation", "--organisation", "org_1"])).toMatchObject({ exitCode: 2 });
  });

  it("exports JSON lines and CSV in which no cell is a formula, and the export is an entry itself", async () => {
    const jsonl = await run(["audit", "export"]);
    expect(jsonl, jsonl.stderr).toMatchObject({ exitCode: 0 });
    const entries = jsonl.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { time: string; action: string });
    expect(entries.map(({ time }) => time)).toEqual(entries.map(({ time }) => time).sort());
    await json("keys", "create", '=HYPERLINK("http://evil.example")');
    const { file, sizeBytes } = await json<{ file: string; sizeBytes: number }>(
      "audit",
      "export",
      "--format",
      "csv",
      "-o",
      "audit.csv",
    );
    expect(file).toBe(join(cwd, "audit.csv"));
    const csv = readFileSync(file, "utf8");
    expect(Buffer.byteLength(csv)).toBe(sizeBytes);
    expect(csv.split("\r\n")[0]).toContain('"action"');
    expect(csv).toContain("evil.example");
    // Quoted cells begin after a comma or a line's start.
    expect(csv).not.toMatch(/(?:^|[\r\n,])"[=+\-@\t]/);
    const listed = await json<{ entries: { after: { format: string } }[] }>(
      "audit",
      "list",
      "--installation",
      "--action",
      "audit.exported",
    );
    expect(listed.entries.map(({ after }) => after.format)).toEqual(["csv", "jsonl"]);
    expect(await run(["audit", "export", "--json"])).toMatchObject({ exitCode: 2 });
  });

  it("verifies the chain, and against an end that was noted down", async () => {
    const first = await run(["audit", "verify"]);
    expect(first.exitCode, first.stderr).toBe(0);
    expect(first.stdout).toMatch(/^\d+:[0-9a-f]{64}\n$/);
    expect(first.stderr).toMatch(/^✓ Read \d+ entries and \d+ signed checkpoints?\n✓ Nobody changed the audit log\./);
    const known = first.stdout.trim();
    await json("keys", "create", "Later");
    expect(await run(["audit", "verify", "--known", known])).toMatchObject({ exitCode: 0 });
    const other = known.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const changed = await run(["audit", "verify", "--known", other]);
    expect(changed).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining("✗ The audit log was changed: it is not"),
    });
    expect(await run(["audit", "verify", "--known", "7"])).toMatchObject({ exitCode: 2 });
  });
});
