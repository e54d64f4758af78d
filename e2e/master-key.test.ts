import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

const NEW_MASTER_KEY = fileURLToPath(new URL("../packages/server/bin/new-master-key.mjs", import.meta.url));
const WORKER = `export default {
  async fetch(request, env) {
    await env.CACHE.put("seen", "yes");
    return Response.json({ secret: env.TOKEN, key: env.AEROSTACK_API_KEY, seen: await env.CACHE.get("seen") });
  },
};`;

let server: ServerProcess;
let developer: Developer;
let project: Project;

async function restart(): Promise<void> {
  const { dataDir, port } = server;
  await server.stop();
  server = await startServer({ dataDir, port, env: UNLIMITED });
}
const answer = async (): Promise<unknown> => await (await fetch(developer.functionUrl(project, "api"))).json();

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("sealed");
  await developer.setSecret(project, "TOKEN", "not to be read");
  await developer.deploy(project, { name: "api", worker: WORKER, isPublic: true });
});
afterAll(async () => {
  await server?.dispose();
});

test("the master key can be turned over, and the older one then taken away, with everything still readable", async () => {
  const before = await answer();
  expect(before).toMatchObject({ secret: "not to be read", seen: "yes" });
  const { stdout } = await promisify(execFile)(process.execPath, [NEW_MASTER_KEY], {
    env: { AEROSTACK_DATA_DIR: server.dataDir },
  });
  expect(stdout).toContain("newest of 2 master keys");

  await restart();
  expect(await answer()).toEqual(before);
  await pollUntil("all is sealed anew", async () => server.output().includes("sealed under the newest master key"));

  const path = join(server.dataDir, "secrets.json");
  const secrets = JSON.parse(await readFile(path, "utf8")) as { masterKeys: unknown[] };
  expect(secrets.masterKeys).toHaveLength(2);
  await writeFile(path, JSON.stringify({ ...secrets, masterKeys: secrets.masterKeys.slice(0, 1) }), { mode: 0o600 });
  await restart();
  expect(await answer()).toEqual(before);
});
