import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acceptDeployments, KEY, PROJECT, startPlatformDouble } from "../testing/platform-double.ts";
import { type RunOptions, runCommand, temporaryFolder } from "../testing/run-command.ts";
import { failure } from "../testing/server-double.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
beforeEach(async () => {
  double = await startPlatformDouble();
  acceptDeployments(double);
});
afterEach(() => double.close());

function project(toml: string, files: Record<string, string | Uint8Array> = {}): string {
  const folder = temporaryFolder();
  const all = {
    "aerostack.toml": toml,
    "src/index.ts": "export default { fetch: () => new Response('hello') };",
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const deploy = (cwd: string, argv: readonly string[] = [], options: RunOptions = {}) =>
  runCommand(["deploy", ...argv], { cwd, env: double.env, ...options });
const deployments = () => double.requests.filter(({ path }) => path === "/api/v1/cli/deploy");
async function lastForm(): Promise<FormData> {
  const request = deployments().at(-1);
  if (request === undefined) throw new Error("nothing was deployed");
  return request.form();
}

describe("deploy", () => {
  it("sends the bundle with what the configuration asks for, and shows the address", async () => {
    const cwd = project(
      'name = "shop"\ncompatibility_date = "2026-11-01"\ncompatibility_flags = ["nodejs_compat"]\n[vars]\nA = "1"\n',
    );
    const { exitCode, stdout, stderr } = await deploy(cwd, ["-m", "First"]);
    expect(stderr).toMatch(/^✓ Bundled shop \(\d+ B, gzip \d+ B\)\n✓ Deployed shop version 1 to production\n$/);
    expect(stdout).toBe(
      `\n  ${double.url}/f/shop/shop/\n  Private: calls need a key of the project (aerostack keys create <name>).\n  curl -H "X-API-Key: <key>" ${double.url}/f/shop/shop/\n`,
    );
    expect(exitCode).toBe(0);
    const form = await lastForm();
    expect(Object.fromEntries([...form].filter(([, value]) => typeof value === "string"))).toEqual({
      env: "production",
      project_id: PROJECT.id,
      name: "shop",
      compatibility_date: "2026-11-01",
      compatibility_flags: '["nodejs_compat"]',
      config: expect.any(String),
    });
    expect(JSON.parse(String(form.get("config")))).toMatchObject({ vars: { A: "1" }, message: "First" });
    const worker = form.get("worker");
    expect(worker).toBeInstanceOf(File);
    expect((worker as File).name).toBe("worker.js");
    expect(await (worker as File).text()).toContain('new Response("hello")');
  });

  it("sends modules and assets as parts of their own", async () => {
    const cwd = project('name = "shop"\npublic = true\n[assets]\ndirectory = "public"\n', {
      "src/index.ts": 'import page from "./page.html"; export default { fetch: () => new Response(page) };',
      "src/page.html": "<p>",
      "public/index.html": "<h1>",
      "public/img/a b.svg": "<svg/>",
    });
    const { stdout } = await deploy(cwd);
    expect(stdout).toBe(`\n  ${double.url}/f/shop/shop/\n`);
    const form = await lastForm();
    const files = [...form]
      .filter(([, value]) => value instanceof File)
      .map(([name]) => name.replace(/^[0-9a-f]{8}-/, ""));
    expect(files).toEqual(["worker", "page.html", "assets/img/a b.svg", "assets/index.html"]);
    expect(form.get("isPublic")).toBe("true");
    expect(await (form.get("assets/index.html") as File).text()).toBe("<h1>");
  });

  it("lets the flags win over the configuration", async () => {
    const cwd = project('name = "shop"\npublic = true\n');
    await deploy(cwd, ["--private", "--env", "staging"]);
    const form = await lastForm();
    expect(form.get("isPublic")).toBe("false");
    expect(form.get("env")).toBe("staging");
    expect((await deploy(cwd, ["--private", "--public"])).exitCode).toBe(2);
  });

  it("deploys each service as a function of its own, before the one that binds to it", async () => {
    const cwd = project('name = "shop"\n[[services]]\nname = "mailer"\nmain = "src/mailer.ts"\nbinding = "MAILER"\n', {
      "src/mailer.ts": "export default { fetch: () => new Response('mail') };",
    });
    const outcome = await deploy(cwd, ["--json"]);
    const names = await Promise.all(deployments().map(async (request) => (await request.form()).get("name")));
    expect(names).toEqual(["mailer", "shop"]);
    expect(JSON.parse(String((await lastForm()).get("config"))).services).toEqual([
      { binding: "MAILER", service: "mailer" },
    ]);
    expect(outcome.json()).toMatchObject({ deployments: [{ scriptName: "mailer" }, { scriptName: "shop" }] });
  });

  it("creates the project where none has the name, and links the folder to it", async () => {
    const created = { ...PROJECT, id: "prj_2", slug: "fresh", name: "fresh" };
    double.on("POST /api/v1/projects", { status: 201, json: { project: created } });
    double.on("GET /api/v1/projects/prj_2", { json: { project: created } });
    const cwd = project('name = "fresh"\n');
    const { stderr } = await deploy(cwd);
    expect(stderr).toContain("✓ Created project fresh and linked this folder to it\n");
    expect(JSON.parse(readFileSync(join(cwd, ".aerostack/project.json"), "utf8"))).toEqual({
      project_id: "prj_2",
      api_url: double.url,
    });
    await deploy(cwd);
    expect(double.requests.filter(({ method, path }) => method === "POST" && path === "/api/v1/projects")).toHaveLength(
      1,
    );
    expect((await lastForm()).get("project_id")).toBe("prj_2");
  });

  it("shows the runtime's own message when a bundle does not start", async () => {
    double.on(
      "POST /api/v1/cli/deploy",
      failure(
        422,
        "FUNCTION_START_FAILED",
        "Uncaught ReferenceError: x is not defined\n  at worker.js:1:1",
        "Mend it.",
      ),
    );
    const { exitCode, stderr } = await deploy(project('name = "shop"\n'));
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /✗ Uncaught ReferenceError: x is not defined\n {4}at worker\.js:1:1\n {2}Mend it\.\n {2}\(FUNCTION_START_FAILED, request req_1\)\n$/,
    );
  });

  it("says which files are ignored and what is missing", async () => {
    double.on("GET /api/v1/projects/*/secrets", {
      json: { secrets: [{ name: "A", env: "production", updatedAt: "2026-06-01T11:00:00.000Z" }], nextCursor: null },
    });
    const { stderr } = await deploy(project('name = "shop"\nlogpush = true\n[secrets]\nA = "a"\nB = "b"\n'));
    expect(stderr).toContain("! Ignored: logpush: has no meaning here\n");
    expect(stderr).toContain("! Secret B is not set: `aerostack secrets set B`\n");
    expect(stderr).not.toContain("Secret A");
  });

  it("applies migrations first where the configuration says so, and else only says that they wait", async () => {
    const migrations = { "migrations/0001_a.sql": "CREATE TABLE a (id);" };
    double.on("POST /api/v1/projects/*/db/migrations", (request) => ({
      json: {
        applied: [],
        pending: (request.json() as { dryRun: boolean }).dryRun ? ["0001_a.sql"] : [],
        missing: [],
        drift: null,
      },
    }));
    const waiting = await deploy(project('name = "shop"\n', migrations));
    expect(waiting.stderr).toContain(
      "! 1 migration not applied yet: run `aerostack db migrate`, or deploy with --migrate.\n",
    );
    const before = double.requests.length;
    const applied = await deploy(project('name = "shop"\n[database]\nmigrate_on_deploy = true\n', migrations));
    expect(applied.stderr).toContain("✓ Applied 0001_a.sql to database main\n");
    const paths = double.requests.slice(before).map(({ path }) => path.split("/").at(-1));
    expect(paths).toEqual(["validate", "project-metadata", "migrations", "migrations", "deploy"]);
  });

  it("changes nothing with --dry-run, and needs no key for it", async () => {
    const cwd = project('name = "shop"\n');
    const outcome = await deploy(cwd, ["--dry-run", "--outdir", "out", "--json"], { env: {} });
    expect(outcome.exitCode).toBe(0);
    expect(outcome.json()).toMatchObject({
      dryRun: true,
      sizes: { shop: { codeBytes: expect.any(Number), assets: { files: 0 } } },
    });
    expect(existsSync(join(cwd, "out/worker.js"))).toBe(true);
    expect(double.requests).toEqual([]);
  });

  it("ends with 2 where there is nothing to deploy", async () => {
    const { exitCode, stderr } = await deploy(temporaryFolder());
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /^✗ There is no aerostack\.toml or wrangler file in .+ or above it\.\n {2}Create a project with `aerostack init`/,
    );
  });
});

describe("the project", () => {
  const projectOf = async (cwd: string, argv: readonly string[] = []) => {
    await deploy(cwd, argv);
    return (await lastForm()).get("project_id");
  };
  beforeEach(() => {
    for (const id of ["prj_flag", "prj_toml", "prj_link"]) {
      double.on(`GET /api/v1/projects/${id}`, { json: { project: { ...PROJECT, id, slug: id.replace("_", "-") } } });
    }
  });
  const link = (content: unknown) => ({ ".aerostack/project.json": JSON.stringify(content) });

  it("is the flag's, then the file's, then the link's, then the one with the name", async () => {
    const linked = link({ project_id: "prj_link", api_url: double.url });
    expect(
      await projectOf(project('name = "shop"\nproject_id = "prj_toml"\n', linked), ["--project", "prj_flag"]),
    ).toBe("prj_flag");
    expect(await projectOf(project('name = "shop"\nproject_id = "prj_toml"\n', linked))).toBe("prj_toml");
    expect(await projectOf(project('name = "shop"\n', linked))).toBe("prj_link");
    expect(await projectOf(project('name = "shop"\n'))).toBe(PROJECT.id);
  });

  it("is not that of a link to another server", async () => {
    const elsewhere = link({ project_id: "prj_link", api_url: "https://elsewhere.example" });
    expect(await projectOf(project('name = "shop"\n', elsewhere))).toBe(PROJECT.id);
  });

  it("is the key's own, whatever else is named, for a project key", async () => {
    double.on("POST /api/v1/cli/validate", {
      json: { keyType: "project", message: "ok", projectId: "prj_key", projectName: "Key", slug: "key" },
    });
    expect(await projectOf(project('name = "shop"\nproject_id = "prj_toml"\n'))).toBe("prj_key");
    const { exitCode, stderr } = await deploy(project('name = "shop"\n'), ["--project", "other"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("The key belongs to project 'key', not to 'other'.");
  });

  it("that is pinned and does not exist is an error, not a new project", async () => {
    const { exitCode, stderr } = await deploy(project('name = "shop"\nproject_id = "prj_gone"\n'));
    expect(exitCode).toBe(4);
    expect(stderr).toContain(`✗ There is no project 'prj_gone' on ${double.url}, which the configuration file names.`);
    expect(deployments()).toEqual([]);
  });

  it("needs a key that the server accepts", async () => {
    const { exitCode, stderr } = await deploy(project('name = "shop"\n'), [], {
      env: { AEROSTACK_API_URL: double.url, AEROSTACK_API_KEY: `${KEY}_wrong` },
    });
    expect(exitCode).toBe(3);
    expect(stderr).toContain("✗ The API key is unknown.\n  Send a valid key.\n");
  });
});

describe("rollback and versions", () => {
  const version = (number: number, active: { env: string; percent: number }[]) => ({
    id: `ver_${number}`,
    number,
    compatibilityDate: "2026-11-01",
    compatibilityFlags: [],
    config: {},
    modules: [],
    assetCount: 0,
    sizeBytes: 2048,
    message: number === 2 ? "Second" : null,
    createdAt: "2026-06-01T11:57:00.000Z",
    createdBy: "usr_1",
    active: active.map((one) => ({ ...one, version: number, activatedAt: "2026-06-01T11:57:00.000Z" })),
  });
  beforeEach(() => {
    double.on("GET /api/v1/projects/*/functions/*/versions", {
      json: {
        versions: [
          version(3, [{ env: "production", percent: 10 }]),
          version(2, [{ env: "production", percent: 90 }]),
          version(1, []),
        ],
        nextCursor: null,
      },
    });
    double.on("POST /api/v1/projects/*/functions/*/rollback", { json: { version: version(2, []) } });
  });

  it("shows what serves", async () => {
    const { stdout } = await runCommand(["versions"], { cwd: project('name = "shop"\n'), env: double.env });
    expect(stdout).toBe(
      [
        "Version  Serves  Deployed      Size  Message",
        "      3  10 %    3 min ago  2.0 KiB",
        "      2  90 %    3 min ago  2.0 KiB  Second",
        "      1          3 min ago  2.0 KiB",
        "",
      ].join("\n"),
    );
  });

  it("goes back to the version before the newest that serves", async () => {
    const cwd = project('name = "shop"\n');
    const dry = await runCommand(["rollback", "--dry-run"], { cwd, env: double.env });
    expect(dry.stdout).toBe("Would roll back shop in production: version 3 and 2 → 2\n");
    await runCommand(["rollback", "v1", "--yes"], { cwd, env: double.env });
    expect(double.requests.at(-1)?.json()).toEqual({ env: "production", version: 1 });
  });
});
