import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type RunningServer, startServer } from "../../local-server/start-server.ts";
import { type RunOptions, runCommand, temporaryFolder } from "../../testing/run-command.ts";

// A picture of one pixel.
const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);

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

it("aerostack account avatar sets, shows and removes the picture, on a real server", async () => {
  writeFileSync(join(cwd, "ada.png"), PNG);
  writeFileSync(join(cwd, "ada.svg"), "<svg xmlns='http://www.w3.org/2000/svg'/>");
  const set = await run(["account", "avatar", "ada.png", "--json"]);
  expect(set, set.stderr).toMatchObject({ exitCode: 0 });
  const { url } = set.json() as { url: string };
  const answer = await fetch(url);
  expect(answer.headers.get("content-type")).toBe("image/webp");
  expect(Buffer.from(await answer.arrayBuffer()).toString("latin1", 8, 12)).toBe("WEBP");
  expect((await run(["account", "avatar"])).stdout).toBe(`${url}\n`);

  const refused = await run(["account", "avatar", "ada.svg"]);
  expect(refused.exitCode).not.toBe(0);
  expect(refused.stderr).toContain("no picture");
  expect((await run(["account", "avatar"])).stdout).toBe(`${url}\n`);

  expect((await run(["account", "avatar", "--remove"])).exitCode).toBe(0);
  expect((await run(["account", "avatar", "--json"])).json()).toEqual({ url: null });
  expect((await fetch(url)).status).toBe(404);
});
