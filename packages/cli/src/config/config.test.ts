import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { CliError } from "../command/cli-error.ts";
import { temporaryFolder } from "../testing/run-command.ts";
import { setTopLevelString } from "./edit-toml.ts";
import { loadConfig } from "./load-config.ts";

function project(files: Record<string, string>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries({ "src/index.ts": "export default {}", ...files })) {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return folder;
}

async function load(files: Record<string, string>, environment: "staging" | "production" = "production") {
  const config = await loadConfig({ cwd: project(files), file: undefined, environment });
  if (config === undefined) throw new Error("no configuration was found");
  return config;
}

async function failure(files: Record<string, string>): Promise<CliError> {
  try {
    await load(files);
  } catch (error) {
    if (error instanceof CliError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("aerostack.toml", () => {
  it("maps every kind of binding to the platform's form", async () => {
    const { main, database, projectName, requiredSecrets } = await load({
      "aerostack.toml": `
name = "My Shop!"
compatibility_date = "2026-01-01"
compatibility_flags = ["nodejs_compat"]
public = true
[vars]
LEVEL = "high"
LIMITS = { a = 1 }
[secrets]
STRIPE_KEY = "Payments"
[[d1_databases]]
binding = "DB"
database_name = "Shop Data"
database_id = "0b1c"
[[kv_namespaces]]
binding = "SESSIONS"
id = "0f2ac74b498b48028cb68387c421e279"
[[r2_buckets]]
binding = "IMAGES"
bucket_name = "shop_images"
[[queues.producers]]
binding = "JOBS"
queue = "jobs"
[[queues.consumers]]
queue = "jobs"
max_batch_size = 5
max_batch_timeout = 2
max_retries = 1
retry_delay = 30
dead_letter_queue = "jobs-dead"
[[durable_objects.bindings]]
name = "ROOMS"
class_name = "Room"
[triggers]
crons = ["*/5  * * * *"]
[assets]
directory = "public"
not_found_handling = "single-page-application"
`,
    });
    expect(projectName).toBe("my-shop");
    expect(main.public).toBe(true);
    expect(main.compatibilityFlags).toEqual(["nodejs_compat"]);
    expect(database).toBe("shop-data");
    expect(requiredSecrets).toEqual(["STRIPE_KEY"]);
    expect(main.config).toEqual({
      vars: { LEVEL: "high", LIMITS: { a: 1 } },
      d1Databases: [{ binding: "DB", database: "shop-data" }],
      kvNamespaces: [{ binding: "SESSIONS", namespace: "sessions" }],
      r2Buckets: [{ binding: "IMAGES", bucket: "shop_images" }],
      queueProducers: [{ binding: "JOBS", queue: "jobs" }],
      queueConsumers: [
        {
          queue: "jobs",
          maxBatchSize: 5,
          maxBatchTimeoutSeconds: 2,
          maxRetries: 1,
          retryDelaySeconds: 30,
          deadLetterQueue: "jobs-dead",
        },
      ],
      services: [],
      durableObjects: [{ binding: "ROOMS", className: "Room" }],
      crons: ["*/5 * * * *"],
      assets: {
        binding: "ASSETS",
        notFoundHandling: "single-page-application",
        htmlHandling: "auto-trailing-slash",
        runWorkerFirst: false,
      },
    });
  });

  it("gives what the platform attaches by itself the project's own resources", async () => {
    const { main, database } = await load({
      "aerostack.toml": `
[[d1_databases]]
binding = "DB"
database_name = "aerostack-local"
database_id = "aerostack-local"
[[kv_namespaces]]
binding = "CACHE"
id = "local-kv"
`,
    });
    expect(main.name).toBe("aerostack-app");
    expect(main.compatibilityDate).toBe("2024-01-01");
    expect(database).toBe("main");
    expect(main.config.d1Databases).toEqual([{ binding: "DB", database: "main" }]);
    expect(main.config.kvNamespaces).toEqual([{ binding: "CACHE", namespace: "default" }]);
  });

  it("lets an environment's section replace what it names and keeps the rest", async () => {
    const toml = `
name = "shop"
[vars]
LEVEL = "high"
[env.staging]
vars = { LEVEL = "low" }
[[env.staging.d1_databases]]
binding = "DB"
database_name = "staging"
`;
    const staging = await load({ "aerostack.toml": toml }, "staging");
    const production = await load({ "aerostack.toml": toml }, "production");
    expect(staging.main.config.vars).toEqual({ LEVEL: "low" });
    expect(staging.database).toBe("staging");
    expect(production.main.config.vars).toEqual({ LEVEL: "high" });
    expect(production.database).toBe("main");
  });

  it("deploys each [[services]] entry with a main, before the function that binds to it", async () => {
    const { functions } = await load({
      "src/mailer.ts": "export default {}",
      "aerostack.toml": `
name = "shop"
[triggers]
crons = ["0 0 * * *"]
[[services]]
name = "Mailer"
main = "src/mailer.ts"
binding = "MAILER"
[[services]]
binding = "OTHER"
service = "other-function"
`,
    });
    expect(functions.map(({ name }) => name)).toEqual(["mailer", "shop"]);
    expect(functions[0]?.config.crons).toEqual([]);
    expect(functions[1]?.config.services).toEqual([
      { binding: "MAILER", service: "mailer" },
      { binding: "OTHER", service: "other-function" },
    ]);
  });

  it("takes src/index.ts where main is left out or names another tool's output", async () => {
    const { main } = await load({ "aerostack.toml": 'main = "dist/worker.js"' });
    expect(main.main).toMatch(/src\/index\.ts$/);
  });

  it("is found from a folder below it", async () => {
    const folder = project({ "aerostack.toml": 'name = "above"', "src/deep/file.ts": "" });
    const config = await loadConfig({ cwd: join(folder, "src/deep"), file: undefined, environment: "production" });
    expect(config?.projectName).toBe("above");
  });

  it("says where TOML is wrong", async () => {
    const error = await failure({ "aerostack.toml": 'name = "shop"\nmain = src/index.ts\n' });
    expect(error.kind).toBe("usage");
    expect(error.message).toContain("aerostack.toml is not valid TOML, line 2, column 8");
  });

  it("names the key whose value is of the wrong type", async () => {
    const error = await failure({ "aerostack.toml": "[[d1_databases]]\nbinding = 7\n" });
    expect(error.message).toBe("aerostack.toml: d1_databases[0].binding: expected string, received number");
  });

  it("names the value that the platform would refuse", async () => {
    const error = await failure({ "aerostack.toml": '[triggers]\ncrons = ["every day"]\n' });
    expect(error.message).toContain("aerostack.toml: crons[0]: A cron expression has five fields");
  });

  it("says that main does not exist, and where it was looked for", async () => {
    const error = await failure({ "aerostack.toml": 'main = "src/worker.ts"' });
    expect(error.message).toBe("aerostack.toml: main is 'src/worker.ts', and there is no such file.");
  });
});

describe("a wrangler file", () => {
  const jsonc = `{
  // The usual example.
  "$schema": "node_modules/wrangler/config-schema.json",
  "name": "legacy",
  "main": "src/index.ts",
  "compatibility_date": "2025-10-01",
  "account_id": "abc",
  "workers_dev": true,
  "routes": [{ "pattern": "example.com/*" }],
  "ai": { "binding": "AI" },
  "kv_namespaces": [{ "binding": "CACHE", "id": "0f2ac74b498b48028cb68387c421e279" }],
  "services": [{ "binding": "AUTH", "service": "auth", "entrypoint": "Rpc" }],
  "durable_objects": { "bindings": [{ "name": "A", "class_name": "A" }, { "name": "B", "class_name": "B", "script_name": "x" }] },
  "migrations": [{ "tag": "v1", "new_sqlite_classes": ["A"] }, { "tag": "v2", "deleted_classes": ["Old"] }],
  "rules": [{ "type": "Text", "globs": ["**/*.md"], "fallthrough": true }],
  "env": { "preview": { "name": "legacy-preview" } },
}`;

  it("is imported with its comments and trailing commas", async () => {
    const { format, main } = await load({ "wrangler.jsonc": jsonc });
    expect(format).toBe("wrangler");
    expect(main.name).toBe("legacy");
    expect(main.compatibilityDate).toBe("2025-10-01");
    expect(main.rules).toEqual([{ type: "text", globs: ["**/*.md"] }]);
    expect(main.config.kvNamespaces).toEqual([{ binding: "CACHE", namespace: "cache" }]);
    expect(main.config.services).toEqual([{ binding: "AUTH", service: "auth", entrypoint: "Rpc" }]);
    expect(main.config.durableObjects).toEqual([{ binding: "A", className: "A" }]);
  });

  it("is told what has no effect, and why", async () => {
    const { notices } = await load({ "wrangler.jsonc": jsonc });
    expect(notices).toEqual([
      "routes: functions are reached under /f/<project>/<function> and their host form",
      "ai: there is no AI binding for functions yet",
      "env.preview: environments are staging and production",
      "migrations v2: classes are not renamed, moved or deleted; their objects' storage stays",
      "durable_objects B: a class of another function ('x') cannot be bound",
    ]);
  });

  it("gives way to aerostack.toml in the same folder", async () => {
    const { projectName } = await load({ "wrangler.jsonc": jsonc, "aerostack.toml": 'name = "ours"' });
    expect(projectName).toBe("ours");
  });

  it("says where JSON is wrong", async () => {
    const error = await failure({ "wrangler.json": '{\n  "name": legacy\n}' });
    expect(error.message).toBe("wrangler.json is not valid JSON, line 2, column 11: InvalidSymbol.");
  });

  it("needs no main where it serves assets", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "wrangler.toml"), '[assets]\ndirectory = "public"\n');
    const config = await loadConfig({ cwd: folder, file: undefined, environment: "production" });
    expect(config?.main.main).toBeUndefined();
    expect(config?.main.assetsDirectory).toBe(join(folder, "public"));
  });
});

describe("setTopLevelString", () => {
  it("adds the key below the name and leaves comments and tables alone", () => {
    const toml = '# mine\nname = "shop" # ours\n\n[vars]\nproject_id = "not this"\n';
    expect(setTopLevelString(toml, "project_id", "prj_1")).toBe(
      '# mine\nname = "shop" # ours\nproject_id = "prj_1"\n\n[vars]\nproject_id = "not this"\n',
    );
  });

  it("replaces the key where it is there", () => {
    expect(setTopLevelString('project_id = "old"\n', "project_id", "new")).toBe('project_id = "new"\n');
  });
});
