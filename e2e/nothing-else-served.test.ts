import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper } from "./harness/developer.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

let server: ServerProcess;
let site: string;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  const developer = await createDeveloper(server);
  const project = await developer.createProject();
  ({ url: site } = await developer.deploy(project, {
    name: "site",
    isPublic: true,
    worker: 'export default { fetch: () => new Response("the function", { status: 404 }) };',
    config: { assets: {} },
    assets: { "index.html": "<h1>Home</h1>", "pictures/first.txt": "first", "pictures/second.txt": "second" },
  }));
});
afterAll(() => server?.dispose());

/** As it is written, which `fetch` would tidy up or refuse. */
function send(method: string, target: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1");
    let answer = "";
    socket.setEncoding("latin1");
    socket.on("data", (text) => {
      answer += text;
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
    socket.write(
      `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nX-Secret: told-to-nobody\r\nConnection: close\r\n\r\n`,
    );
  });
}

describe("a server", () => {
  it.each([
    "/.git/config",
    "/.git/HEAD",
    "/.env",
    "/package.json",
    "/node_modules/.package-lock.json",
    "/packages/server/src/main.ts",
    "/data/secrets.json",
    "/secrets.json",
    "/../package.json",
    "/%2e%2e/package.json",
    "/..%2f..%2fpackage.json",
    "/setup/../../package.json",
    "/pictures",
  ])("serves nothing of its checkout or its data: %s", async (path) => {
    const answer = await send("GET", path);
    expect(answer).toMatch(/^HTTP\/1\.1 (?:404|400) /);
    expect(answer).not.toMatch(/repositoryformatversion|aerostack-monorepo|masterKeys/);
  });

  it.each(["/", "/livez", "/api/v1/projects", "/v1/cache/get"])(
    "answers no TRACE, and sends nothing back: %s",
    async (path) => {
      const answer = await send("TRACE", path);
      expect(answer).toMatch(/^HTTP\/1\.1 (?:404|405|400|501) /);
      expect(answer).not.toContain("told-to-nobody");
    },
  );

  it("lists no folder of a static site", async () => {
    expect(await (await fetch(`${site}/pictures/first.txt`)).text()).toBe("first");
    for (const path of ["/pictures", "/pictures/", "/pictures/?list", "/pictures/index.html"]) {
      const answer = await fetch(`${site}${path}`);
      const text = await answer.text();
      expect([path, answer.status]).toEqual([path, 404]);
      expect(text).not.toMatch(/first|second/);
    }
  });

  it("writes the times of its log in UTC", () => {
    const lines = server
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { time: string });
    expect(lines.length).toBeGreaterThan(0);
    for (const { time } of lines) {
      expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(15 * 60_000);
    }
  });
});
