import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper } from "./harness/developer.ts";
import { guideBlocks } from "./harness/guide.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** Within the checkout, where packages are found; ignored by git. */
const FOLDER = join(ROOT, "e2e/.sdk-examples");
const GREET = `export default { fetch: async (request) => Response.json({ hello: (await request.json()).name }) };`;

const blocks = guideBlocks(await readFile(join(ROOT, "docs/guides/sdk.md"), "utf8"));
const examples = blocks.flatMap(({ marks, text }) => {
  const output = blocks.find((other) => other.marks.output === marks.sdk)?.text;
  return marks.sdk === undefined ? [] : [{ name: marks.sdk, source: text, output }];
});

let server: ServerProcess;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  const developer = await createDeveloper(server);
  const project = await developer.createProject("documented");
  await developer.call("POST", `/api/v1/projects/${project.id}/db/query`, {
    sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
  });
  await developer.deploy(project, { name: "greet", worker: GREET, isPublic: false });
  const { secret } = await developer.createKey(project);
  environment = {
    ...process.env,
    NO_COLOR: "1",
    AEROSTACK_URL: server.url,
    AEROSTACK_API_KEY: secret,
    AEROSTACK_PROJECT: project.slug,
  };
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER);
  for (const { name, source } of examples) await writeFile(join(FOLDER, `${name}.ts`), source);
  const tsconfig = { extends: "../../tsconfig.json", include: ["*.ts"] };
  await writeFile(join(FOLDER, "tsconfig.json"), JSON.stringify(tsconfig));
});
afterAll(async () => {
  await rm(FOLDER, { recursive: true, force: true });
  await server?.dispose();
});

describe("the client's guide", () => {
  test("has examples, each with what it prints", () => {
    expect(examples.length).toBeGreaterThan(3);
    expect(examples.filter(({ output }) => output === undefined)).toEqual([]);
  });

  test("has examples that compile", async () => {
    await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", FOLDER, "--noEmit"]).catch(
      (error: { stdout: string }) => expect(error.stdout).toBe(""),
    );
  });

  test.each(examples)("has an example '$name' that prints what it says", async ({ name, output }) => {
    const { stdout } = await run(process.execPath, [join(FOLDER, `${name}.ts`)], { env: environment });
    expect(stdout).toBe(output);
  });
});
