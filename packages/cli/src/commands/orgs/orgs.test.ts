import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../local-server/start-server.ts";
import { type Outcome, type RunOptions, runCommand, temporaryFolder } from "../../testing/run-command.ts";

let server: RunningServer;
const homes = { ada: temporaryFolder(), bob: temporaryFolder() };
type Who = keyof typeof homes;

const run = (who: Who, argv: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  runCommand(argv, { env: { AEROSTACK_API_URL: server.url }, home: homes[who], now: Date.now(), ...options });

/** Runs a command that succeeds, and does not ask. */
async function json<Answer>(who: Who, ...argv: string[]): Promise<Answer> {
  const outcome = await run(who, [...argv, "--yes", "--json"]);
  expect(outcome, outcome.stderr).toMatchObject({ exitCode: 0, stderr: "" });
  return outcome.json() as Answer;
}

async function post(path: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${server.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return (await answer.json()) as { token: string; secret: string };
}

beforeAll(async () => {
  server = await startServer({ port: 0, dataDirectory: temporaryFolder(), env: process.env });
  const login = ["login", "--email", "ada@example.com", "--setup-token", server.setupToken ?? "", "--yes"];
  expect(await run("ada", login, { stdin: "Passw0rd-1" })).toMatchObject({ exitCode: 0 });
  const bob = { email: "bob@example.com", password: "Correct-Horse-7", ageConfirmed: true };
  const { token } = await post("/api/auth/register", bob);
  const { secret } = await post("/api/v1/account/keys", { name: "cli" }, { authorization: `Bearer ${token}` });
  expect(await run("bob", ["login", "--key", secret])).toMatchObject({ exitCode: 0 });
});
afterAll(() => server.stop());

interface Members {
  members: { email: string; role: string }[];
}

describe("aerostack orgs, on a real server", () => {
  const roles = async (who: Who = "ada") => {
    const { members } = await json<Members>(who, "orgs", "members", "Engines");
    return members.map(({ email, role }) => `${email} ${role}`).sort();
  };

  it("makes one, invites somebody to it, and shows both who belongs to it", async () => {
    const { organisation } = await json<{ organisation: { id: string } }>("ada", "orgs", "create", "Engines");
    expect(organisation.id).toMatch(/^org_/);
    const listed = await run("ada", ["orgs", "list"]);
    expect(listed.stdout).toMatch(/Engines\s+owner\s+shared\s+org_/);
    expect(listed.stdout).toMatch(/Personal\s+owner\s+your own/);

    const stranger = await run("bob", ["orgs", "members", organisation.id]);
    expect(stranger).toMatchObject({ exitCode: 4, stdout: "" });
    expect(stranger.stderr).toContain("aerostack orgs list");

    const { link } = await json<{ link: string }>("ada", "orgs", "invite", "Engines", "bob@example.com");
    const unsure = await run("bob", ["orgs", "join", link]);
    expect(unsure.exitCode).toBe(2);
    expect(await roles()).toEqual(["ada@example.com owner"]);
    expect((await run("ada", ["orgs", "join", link, "--yes"])).exitCode).not.toBe(0);
    expect((await run("bob", ["orgs", "join", link, "--yes"])).stderr).toContain("Joined Engines");
    expect(await roles("bob")).toEqual(["ada@example.com owner", "bob@example.com developer"]);
  });

  it("changes roles, as far as whoever asks may", async () => {
    expect((await run("bob", ["orgs", "role", "Engines", "bob@example.com", "admin"])).exitCode).toBe(3);
    await json("ada", "orgs", "role", "Engines", "BOB@example.com", "viewer");
    expect(await roles()).toContain("bob@example.com viewer");
    const nobody = await run("ada", ["orgs", "role", "Engines", "eve@example.com", "viewer"]);
    expect(nobody).toMatchObject({ exitCode: 4 });
    expect(nobody.stderr).toContain("has no member eve@example.com");
    expect((await run("ada", ["orgs", "role", "Engines", "bob@example.com", "emperor"])).exitCode).not.toBe(0);
  });

  it("shows the projects that somebody may see", async () => {
    expect((await run("bob", ["orgs", "projects", "Engines"])).stderr).toContain("no projects");
    expect((await run("bob", ["orgs", "projects", "Nothing"])).exitCode).toBe(4);
  });

  it("sets single sign-on step by step, with the secret from standard input", async () => {
    const sso = ["orgs", "sso", "Engines"];
    expect((await run("ada", sso)).stdout).toMatch(/Callback\s+http.*\/api\/auth\/sign-on\/org_/);
    const provider = ["--issuer", "https://id.example.com", "--client-id", "engines"];
    const set = await run("ada", [...sso, ...provider, "--new-secret", "--role", "cn=dev=developer"], {
      stdin: "a client secret\n",
    });
    expect(set, set.stderr).toMatchObject({ exitCode: 0 });
    expect(set.stdout + set.stderr).not.toContain("a client secret");
    await json("ada", ...sso, "--default-role", "viewer");
    const { signOn } = await json<{ signOn: Record<string, unknown> }>("ada", ...sso);
    expect(signOn).toMatchObject({
      issuer: "https://id.example.com",
      clientId: "engines",
      roles: [{ group: "cn=dev", role: "developer" }],
      defaultRole: "viewer",
      required: false,
    });
    const { domain } = await json<{ domain: Record<string, unknown> }>("ada", ...sso, "--add-domain", "example.com");
    expect(domain).toMatchObject({ domain: "example.com", verifiedAt: null });
    for (const wrong of [["--required", "maybe"], ["--role", "dev"], ["--remove", "--issuer", "x"], ["--dry-run"]]) {
      expect((await run("ada", [...sso, ...wrong])).exitCode, wrong.join(" ")).toBe(2);
    }
    expect((await run("bob", sso)).exitCode).toBe(3);
    await json("ada", ...sso, "--remove");
    expect((await json<{ signOn: null }>("ada", ...sso)).signOn).toBeNull();
  });

  it("hands it over, and lets the last owner neither leave nor be removed", async () => {
    expect((await run("ada", ["orgs", "leave", "Engines", "--yes"])).stderr).toMatch(/owner/);
    const transfer = ["orgs", "transfer", "Engines"];
    expect((await run("ada", [...transfer, "bob@example.com", "--accept"])).exitCode).toBe(2);
    await json("ada", ...transfer, "bob@example.com");
    expect((await run("ada", transfer)).stdout).toMatch(/Offered to\s+usr_/);
    await json("ada", ...transfer, "--cancel");
    expect((await run("ada", transfer)).stderr).toContain("no offer");
    expect((await run("bob", [...transfer, "--accept", "--yes"])).exitCode).not.toBe(0);
    await json("ada", ...transfer, "bob@example.com");
    await json("bob", ...transfer, "--accept");
    expect(await roles()).toEqual(["ada@example.com admin", "bob@example.com owner"]);
  });

  it("removes members and is left and deleted, each after a question", async () => {
    expect((await run("bob", ["orgs", "remove", "Engines", "ada@example.com"])).exitCode).toBe(2);
    const dry = await run("bob", ["orgs", "remove", "Engines", "ada@example.com", "--dry-run"]);
    expect(dry.stdout).toContain("Would remove ada@example.com from Engines");
    expect(await roles("bob")).toHaveLength(2);
    await json("ada", "orgs", "leave", "Engines");
    expect(await roles("bob")).toEqual(["bob@example.com owner"]);
    const { link } = await json<{ link: string }>("bob", "orgs", "invite", "Engines", "ada@example.com");
    await json("ada", "orgs", "join", link);
    await json("bob", "orgs", "remove", "Engines", "ada@example.com");
    expect(await roles("bob")).toEqual(["bob@example.com owner"]);
    await json("bob", "orgs", "delete", "Engines");
    expect((await run("bob", ["orgs", "members", "Engines"])).exitCode).toBe(4);
  });
});
