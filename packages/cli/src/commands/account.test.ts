import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KEY, PROJECT, startPlatformDouble } from "../testing/platform-double.ts";
import { runCommand, temporaryFolder } from "../testing/run-command.ts";
import { failure } from "../testing/server-double.ts";

const USER = {
  id: "usr_1",
  email: "ada@example.com",
  name: "Ada",
  isAdmin: false,
  createdAt: "2026-06-01T11:00:00.000Z",
};
const ACCOUNT_KEY = {
  id: "key_1",
  name: "CLI",
  prefix: "ak_t",
  createdAt: "2026-06-01T11:00:00.000Z",
  scopes: ["*"],
  allowedIps: [],
  lastUsedIp: null,
  replacedBy: null,
  expiresAt: null,
  lastUsedAt: null,
  revokedAt: null,
};

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
let home: string;
let env: Record<string, string>;
beforeEach(async () => {
  double = await startPlatformDouble();
  home = temporaryFolder();
  env = { AEROSTACK_API_URL: double.url };
});
afterEach(() => double.close());

const stored = (): unknown => JSON.parse(readFileSync(join(home, ".aerostack/credentials.json"), "utf8"));

describe("login in the browser", () => {
  const device = {
    device_code: "dev_1",
    user_code: "BCDF-GHJK",
    verification_uri: "https://server/device",
    verification_uri_complete: "https://server/device?user_code=BCDF-GHJK",
    expires_in: 600,
    interval: 5,
  };

  it("shows address and code, asks until it is approved, and keeps the key for its owner only", async () => {
    double.on("POST /api/auth/device/code", { json: device });
    const answers = ["authorization_pending", "slow_down", "authorization_pending"];
    double.on("POST /api/auth/device/token", () => {
      const error = answers.shift();
      return error === undefined
        ? { json: { api_key: KEY, user: USER } }
        : { status: 400, json: { error, error_description: "…" } };
    });
    const opened: string[] = [];
    const openBrowser = (url: string) => {
      opened.push(url);
      return Promise.resolve(true);
    };
    const { exitCode, stderr } = await runCommand(["login"], { env, home, openBrowser });
    expect(stderr).toBe(
      `Open https://server/device?user_code=BCDF-GHJK\nand confirm the code BCDF-GHJK.\n✓ Logged in to ${double.url} as ada@example.com\n`,
    );
    expect(exitCode).toBe(0);
    expect(opened).toEqual([device.verification_uri_complete]);
    expect(double.requests.filter(({ path }) => path.endsWith("/token"))).toHaveLength(4);
    expect(stored()).toEqual({
      api_key: KEY,
      api_url: double.url,
      servers: { [double.url]: { api_key: KEY, email: "ada@example.com" } },
    });
    expect(statSync(join(home, ".aerostack/credentials.json")).mode & 0o777).toBe(0o600);
  });

  it.each([
    ["access_denied", "The log-in was refused in the browser."],
    ["expired_token", "The code has expired."],
  ])("ends with 3 when the answer is %s", async (error, message) => {
    double.on("POST /api/auth/device/code", { json: device });
    double.on("POST /api/auth/device/token", { status: 400, json: { error } });
    const { exitCode, stderr } = await runCommand(["login"], { env, home });
    expect(exitCode).toBe(3);
    expect(stderr).toContain(`✗ ${message}`);
    expect(existsSync(join(home, ".aerostack"))).toBe(false);
  });
});

describe("login with a password or a key", () => {
  beforeEach(() => {
    const session = { token: "jwt", refreshToken: "r", expiresAt: "2026-06-01T12:15:00.000Z", user: USER };
    for (const path of ["login", "register", "setup"]) double.on(`POST /api/auth/${path}`, { json: session });
    double.on("POST /api/v1/account/keys", { status: 201, json: { key: ACCOUNT_KEY, secret: KEY } });
  });

  it("takes the password from standard input and keeps an account key, not the session", async () => {
    const { exitCode } = await runCommand(["login", "--email", "ada@example.com"], { env, home, stdin: "Passw0rd\n" });
    expect(exitCode).toBe(0);
    expect(double.requests[0]?.json()).toEqual({ email: "ada@example.com", password: "Passw0rd" });
    expect(double.requests[1]?.headers.authorization).toBe("Bearer jwt");
    expect(stored()).toMatchObject({ servers: { [double.url]: { api_key: KEY, key_id: "key_1" } } });
    expect(JSON.stringify(stored())).not.toContain("jwt");
  });

  it("sends who logs in with an authenticator app, too, to the browser", async () => {
    double.on("POST /api/auth/login", { json: { mfaRequired: true, challengeToken: "am_1" } });
    const { exitCode, stderr } = await runCommand(["login", "--email", "ada@example.com"], {
      env,
      home,
      stdin: "Passw0rd\n",
    });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("Run `aerostack login` without --email");
    expect(existsSync(join(home, ".aerostack/credentials.json"))).toBe(false);
  });

  it("opens the first account of a new server from its link, once the age is confirmed", async () => {
    const argv = ["login", "--email", "ada@example.com", "--setup-token", "http://127.0.0.1:8787/setup#token=t0k"];
    const asked = await runCommand(argv, { env, home, stdin: "Passw0rd\n" });
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain("Are you 16 or older?\n  Add --yes to confirm it.");
    expect(double.requests).toEqual([]);
    await runCommand([...argv, "--yes"], { env, home, stdin: "Passw0rd\n" });
    expect(double.requests[0]).toMatchObject({ path: "/api/auth/setup" });
    expect(double.requests[0]?.json()).toEqual({
      email: "ada@example.com",
      password: "Passw0rd",
      name: "ada",
      ageConfirmed: true,
      token: "t0k",
    });
  });

  it("keeps a key that the server accepts, and no other", async () => {
    const wrong = await runCommand(["login", "--key", "ak_wrong"], { env, home });
    expect(wrong.exitCode).toBe(3);
    expect(existsSync(join(home, ".aerostack"))).toBe(false);
    expect((await runCommand(["login", "--key", "-"], { env, home, stdin: `${KEY}\n` })).exitCode).toBe(0);
    expect(stored()).toMatchObject({ api_key: KEY });
  });

  it("revokes the key and forgets it at log-out", async () => {
    await runCommand(["login", "--key", KEY], { env, home });
    double.on("GET /api/v1/account/keys", { json: { keys: [ACCOUNT_KEY], nextCursor: null } });
    double.on("DELETE /api/v1/account/keys/*", { json: { success: true } });
    const { stderr } = await runCommand(["logout"], { env, home });
    expect(stderr).toBe(`✓ Logged out of ${double.url}\n`);
    expect(double.requests.at(-1)).toMatchObject({ method: "DELETE", path: "/api/v1/account/keys/key_1" });
    expect(stored()).toEqual({ servers: {} });
    expect((await runCommand(["whoami"], { env, home })).exitCode).toBe(3);
  });

  it("forgets the key although the server does not answer", async () => {
    await runCommand(["login", "--key", KEY], { env, home });
    double.on("GET /api/v1/account/keys", failure(500, "INTERNAL_ERROR", "No."));
    const { exitCode, stderr } = await runCommand(["logout"], { env, home });
    expect(exitCode).toBe(0);
    expect(stderr).toContain("could not be revoked");
    expect(stored()).toEqual({ servers: {} });
  });
});

describe("whoami", () => {
  it("tells account, server and where the key comes from", async () => {
    const { stdout } = await runCommand(["whoami"], { env: double.env });
    expect(stdout).toBe(
      `Account  ada@example.com\nServer   ${double.url} (AEROSTACK_API_URL)\nKey      from AEROSTACK_API_KEY\n`,
    );
  });
});

describe("link", () => {
  it("writes the folder's link, or the project's id into the configuration", async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, "aerostack.toml"), '# ours\nname = "app"\n');
    writeFileSync(join(cwd, "index.ts"), "");
    const toml = await runCommand(["link", "shop", "--write-toml"], { cwd, env: double.env });
    expect(toml.exitCode).toBe(2);
    writeFileSync(join(cwd, "aerostack.toml"), '# ours\nname = "app"\nmain = "index.ts"\n');
    await runCommand(["link", "shop", "--write-toml"], { cwd, env: double.env });
    expect(readFileSync(join(cwd, "aerostack.toml"), "utf8")).toBe(
      '# ours\nname = "app"\nproject_id = "prj_1"\nmain = "index.ts"\n',
    );
    await runCommand(["link", "shop"], { cwd, env: double.env });
    expect(JSON.parse(readFileSync(join(cwd, ".aerostack/project.json"), "utf8"))).toEqual({
      project_id: "prj_1",
      api_url: double.url,
    });
  });

  it("lets a person choose", async () => {
    double.on("GET /api/v1/projects", { json: { projects: [PROJECT], nextCursor: null } });
    const cwd = temporaryFolder();
    await runCommand(["link"], { cwd, env: double.env, answers: ["prj_1"] });
    expect(existsSync(join(cwd, ".aerostack/project.json"))).toBe(true);
    expect((await runCommand(["link"], { cwd, env: double.env })).stderr).toBe(
      "✗ No project is named.\n  Name it: aerostack link <project>.\n",
    );
  });
});

describe("doctor", () => {
  it("finds nothing wrong, and ends with 0", async () => {
    double.on("GET /healthz", {
      json: { status: "ok", version: "0.1.0" },
      headers: { date: new Date().toUTCString() },
    });
    const outcome = await runCommand(["doctor", "--json"], { env: double.env, now: Date.now() });
    expect(outcome.exitCode).toBe(0);
    const { checks } = outcome.json() as { checks: { name: string; state: string }[] };
    expect(checks.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "CLI ok",
      "Node ok",
      "Bundler ok",
      "Configuration skipped",
      "Credentials skipped",
      "Server ok",
      "Version ok",
      "Clock ok",
      "Key ok",
    ]);
  });

  it("finds a clock that is wrong, a key that is refused, a file that others may read, and ends with 1", async () => {
    double.on("GET /healthz", {
      json: { status: "ok", version: "9.9.9" },
      headers: { date: new Date(0).toUTCString() },
    });
    await runCommand(["login", "--key", KEY], { env, home });
    const file = join(home, ".aerostack/credentials.json");
    writeFileSync(file, readFileSync(file, "utf8"), { mode: 0o644 });
    const { chmodSync } = await import("node:fs");
    chmodSync(file, 0o644);
    double.on(
      "POST /api/v1/cli/validate",
      failure(401, "AUTH_INVALID_KEY", "The API key is revoked.", "Log in again."),
    );
    const { exitCode, stdout } = await runCommand(["doctor"], { env, home });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^! Credentials +others may read /m);
    expect(stdout).toMatch(/^ +→ chmod 600 /m);
    expect(stdout).toMatch(/^! Version +server 9\.9\.9, CLI 0\.1\.0$/m);
    expect(stdout).toMatch(/^✗ Clock +differs from the server's by /m);
    expect(stdout).toMatch(/^✗ Key +The API key is revoked\.\n +→ Log in again\.$/m);
    expect(stdout).toMatch(/^- Project +needs a valid key$/m);
  });

  it("finds that no server answers and checks the rest", async () => {
    const { exitCode, stdout } = await runCommand(["doctor"], { env: { AEROSTACK_API_URL: "http://127.0.0.1:9" } });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^✗ Server +No server answers at http:\/\/127\.0\.0\.1:9/m);
    expect(stdout).toMatch(/^- Key +needs the server$/m);
  });
});
