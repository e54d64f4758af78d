import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningServer, startServer } from "./local-server/start-server.ts";
import { runCommand, temporaryFolder } from "./testing/run-command.ts";

const PROMISED_MS = 60_000;

let server: RunningServer;
const home = temporaryFolder();
beforeAll(async () => {
  server = await startServer({ port: 0, dataDirectory: temporaryFolder(), env: process.env });
});
afterAll(() => server.stop());

it("from nothing to a deployed function that wrote a row: init, deploy and a call, in under 60 seconds", async () => {
  const env = { AEROSTACK_API_URL: server.url };
  const login = ["login", "--email", "ada@example.com", "--setup-token", server.setupToken ?? "", "--yes"];
  expect(await runCommand(login, { env, home, stdin: "Passw0rd-1" })).toMatchObject({ exitCode: 0 });

  const startedAt = performance.now();
  const cwd = temporaryFolder();
  // The template's one package is this repository's own, so that the test fetches nothing.
  symlinkSync(fileURLToPath(new URL("../../../node_modules", import.meta.url)), join(cwd, "node_modules"));
  expect(await runCommand(["init", "notes", "--template", "api", "--skip-install"], { cwd, env, home })).toMatchObject({
    exitCode: 0,
  });
  const inProject = { cwd: join(cwd, "notes"), env, home };
  const deployed = await runCommand(["deploy", "--json"], inProject);
  expect(deployed).toMatchObject({ exitCode: 0, stderr: "" });
  const { deployments, migrations } = deployed.json() as { deployments: { url: string }[]; migrations: string[] };
  expect(migrations).toEqual(["0001_create_notes.sql"]);

  const answer = await fetch(`${deployments[0]?.url}/notes`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text: "Hello" }),
  });
  expect(answer.status).toBe(201);
  const rows = await runCommand(["db", "query", "SELECT id, text FROM notes", "--json"], inProject);
  expect(rows.json()).toMatchObject({ columns: ["id", "text"], rows: [[1, "Hello"]] });
  expect(performance.now() - startedAt).toBeLessThan(PROMISED_MS);
});

it("the same server, told wrong settings, says which and does not start", async () => {
  const starting = startServer({
    port: 0,
    dataDirectory: temporaryFolder(),
    env: { ...process.env, AEROSTACK_LOG_LEVEL: "loud" },
  });
  await expect(starting).rejects.toMatchObject({
    code: "SERVER_NOT_STARTED",
    message: expect.stringContaining("AEROSTACK_LOG_LEVEL"),
  });
});
