import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acceptDeployments, KEY, PROJECT, startPlatformDouble } from "../testing/platform-double.ts";
import { runCommand, temporaryFolder } from "../testing/run-command.ts";

let double: Awaited<ReturnType<typeof startPlatformDouble>>;
let cwd: string;
beforeEach(async () => {
  double = await startPlatformDouble();
  acceptDeployments(double);
  const user = {
    id: "usr_1",
    email: "dev@localhost.localdomain",
    name: "dev",
    isAdmin: false,
    createdAt: "2026-06-01T11:00:00.000Z",
  };
  const key = {
    id: "key_1",
    name: "Local development",
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
  double.on("GET /healthz", { json: { status: "ok", version: "0.1.0" } });
  double.on("POST /api/auth/register", {
    status: 201,
    json: { token: "jwt", refreshToken: "r", expiresAt: "2026-06-01T12:15:00.000Z", user },
  });
  double.on("POST /api/v1/account/keys", { status: 201, json: { key, secret: KEY } });
  double.on("POST /api/v1/projects", {
    status: 201,
    json: { project: { ...PROJECT, id: "prj_dev", slug: "shop-dev", name: "shop-dev" } },
  });
  double.on("GET /api/v1/projects/*/logs/tail", {
    stream: (write) => write(": hello\n\n"),
    headers: { "content-type": "text/event-stream" },
  });
  cwd = temporaryFolder();
  mkdirSync(join(cwd, "src"));
  writeFileSync(join(cwd, "aerostack.toml"), 'name = "shop"\n[vars]\nMODE = "toml"\n');
  writeFileSync(join(cwd, ".dev.vars"), "TOKEN=local\n");
  writeSource("one");
});
afterEach(() => double.close());

function writeSource(word: string): void {
  writeFileSync(join(cwd, "src/index.ts"), `export default { fetch: () => new Response("${word}") };`);
}

/** Runs `dev` and takes one step for each event of a kind, then stops it. */
async function dev(kind: string, steps: readonly (() => void)[]) {
  const stop = new AbortController();
  const events: Record<string, unknown>[] = [];
  let step = 0;
  const { exitCode } = await runCommand(["dev", "--json"], {
    cwd,
    env: { AEROSTACK_API_URL: double.url },
    signal: stop.signal,
    onOutput(text) {
      const event = JSON.parse(text) as Record<string, unknown>;
      events.push(event);
      if (event.event !== kind && event.event !== "error") return;
      const next = steps[step++];
      if (next === undefined) stop.abort();
      else next();
    },
  });
  return { exitCode, events };
}

const forms = () =>
  Promise.all(double.requests.filter(({ path }) => path.endsWith("/cli/deploy")).map((request) => request.form()));

function workerOf(form: FormData | undefined): Promise<string> {
  const worker = form?.get("worker");
  if (!(worker instanceof File)) throw new Error("the deployment holds no worker");
  return worker.text();
}

describe("dev", () => {
  it("asks nothing: makes up an account and a project of its own, and deploys each save", async () => {
    const { exitCode, events } = await dev("deployed", [() => writeSource("two")]);
    expect(exitCode).toBe(0);
    expect(events.map(({ event }) => event)).toEqual(["ready", "deployed", "deployed"]);
    expect(events[0]).toEqual({ event: "ready", server: double.url, project: "shop-dev" });

    const [first, second] = await forms();
    expect(first?.get("project_id")).toBe("prj_dev");
    expect(first?.get("isPublic")).toBe("true");
    expect(JSON.parse(String(first?.get("config"))).vars).toEqual({ MODE: "toml", TOKEN: "local" });
    expect(await workerOf(second)).toContain("two");

    const accounts = join(cwd, ".aerostack/dev/accounts.json");
    expect(statSync(accounts).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(accounts, "utf8"))).toMatchObject({ [double.url]: { api_key: KEY } });
  });

  it("uses its account again the next time", async () => {
    await dev("deployed", []);
    await dev("deployed", []);
    expect(double.requests.filter(({ path }) => path === "/api/auth/register")).toHaveLength(1);
  });

  it("shows what does not compile and goes on with the next save", async () => {
    const { events } = await dev("deployed", [
      () => writeFileSync(join(cwd, "src/index.ts"), "export default {"),
      () => writeSource("mended"),
    ]);
    expect(events.map(({ event }) => event)).toEqual(["ready", "deployed", "error", "deployed"]);
    expect(events[2]).toMatchObject({ code: "BUILD_FAILED", message: expect.stringContaining("src/index.ts:1:") });
  });

  it("pushes collections before functions start, and again when a schema is saved", async () => {
    const schema = { type: "object", properties: { title: { type: "string" } } };
    writeFileSync(join(cwd, "todos.json"), JSON.stringify(schema));
    writeFileSync(
      join(cwd, "aerostack.toml"),
      'name = "shop"\n[[collections]]\nname = "todos"\nschema = "todos.json"\n',
    );
    let pushes = 0;
    double.on("PUT /api/v1/projects/*/collections/*", (request) => {
      const { schema: given } = request.json() as { schema: object };
      if (++pushes === 2) writeSource("two");
      const time = "2026-06-01T11:59:00.000Z";
      const rules = { list: "none", get: "none", create: "none", update: "none", delete: "none" };
      const facts = { id: "col_1", name: "todos", version: 1, indexes: [], rules, createdAt: time, updatedAt: time };
      const changes = [{ what: "create table todos", destructive: false }];
      return { json: { collection: { ...facts, schema: given }, created: true, changes } };
    });
    const { events } = await dev("deployed", [
      () => writeFileSync(join(cwd, "todos.json"), JSON.stringify({ ...schema, required: ["title"] })),
    ]);
    expect(events.map(({ event }) => event)).toEqual(["ready", "pushed", "deployed", "pushed", "deployed"]);
    const last = double.requests.filter(({ method }) => method === "PUT").at(-1);
    expect(last?.json()).toMatchObject({ schema: { required: ["title"] }, allowDestructive: false });
  });

  it("takes a change of the configuration", async () => {
    await dev("deployed", [
      () => writeFileSync(join(cwd, "aerostack.toml"), 'name = "shop"\n[vars]\nMODE = "changed"\n'),
    ]);
    const last = (await forms()).at(-1);
    expect(JSON.parse(String(last?.get("config"))).vars).toMatchObject({ MODE: "changed" });
  });
});
