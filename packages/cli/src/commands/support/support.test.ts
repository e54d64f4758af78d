import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../local-server/start-server.ts";
import { type RunOptions, runCommand, temporaryFolder } from "../../testing/run-command.ts";

let server: RunningServer;
const home = temporaryFolder();
const cwd = temporaryFolder();
const run = (argv: readonly string[], options: RunOptions = {}) =>
  runCommand(argv, { env: { AEROSTACK_API_URL: server.url }, home, cwd, now: Date.now(), ...options });

beforeAll(async () => {
  server = await startServer({ port: 0, dataDirectory: temporaryFolder(), env: process.env });
  const login = ["login", "--email", "ada@example.com", "--setup-token", server.setupToken ?? "", "--yes"];
  expect(await run(login, { stdin: "Passw0rd-1" })).toMatchObject({ exitCode: 0 });
});
afterAll(() => server.stop());

it("a conversation is listed, read, answered and closed, and shows no control characters of strangers", async () => {
  expect((await run(["support", "list"])).stderr).toContain("No conversations.");
  const begun = await fetch(`${server.url}/api/v1/support/conversations`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: "bea@example.com", subject: "Help", text: "It is \u009b31mred." }),
  });
  expect(begun.status).toBe(202);
  const list = (await run(["support", "list", "--status", "open", "--json"])).json() as {
    conversations: { id: string }[];
  };
  const id = list.conversations[0]?.id ?? "";
  const shown = await run(["support", "show", id]);
  expect(shown.stdout).toContain("It is \\x9b31mred.");

  expect(await run(["support", "reply", id], { stdin: "Try again.\n" })).toMatchObject({ exitCode: 0 });
  expect((await run(["support", "show", id])).stdout).toMatch(/Operator, .*\nTry again\./);
  expect(await run(["support", "reply", id], { stdin: " \n" })).toMatchObject({ exitCode: 2 });
  expect(await run(["support", "close", id])).toMatchObject({ exitCode: 0 });
  expect((await run(["support", "list", "--status", "open"])).stderr).toContain("No conversations.");
  expect(await run(["support", "show", "cnv_none"])).toMatchObject({ exitCode: 4 });
});
