import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper } from "./harness/developer.ts";
import { type ServerProcess, startServer } from "./harness/server-process.ts";

const WORKER = `export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/binding") return env.ASSETS.fetch(new Request("http://site/style.css"));
    return new Response("function " + pathname, { status: pathname.startsWith("/api/") ? 200 : 404 });
  },
};`;

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

/** As a browser asks, which \`fetch\` here cannot: it sets Sec-Fetch-Mode itself. */
function ask(url: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(url, { headers }, (answer) => {
      let body = "";
      answer.on("data", (chunk: Buffer) => {
        body += chunk.toString();
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }));
    });
    call.on("error", reject);
    call.end();
  });
}

const navigation = { "sec-fetch-mode": "navigate" };

describe("a single-page application with an API", () => {
  let server: ServerProcess;
  let url: string;

  beforeAll(async () => {
    server = await startServer();
    const developer = await createDeveloper(server);
    const project = await developer.createProject();
    ({ url } = await developer.deploy(project, {
      name: "site",
      isPublic: true,
      worker: WORKER,
      config: { assets: { notFoundHandling: "single-page-application" } },
      assets: {
        "index.html": "<h1>Home</h1>",
        "style.css": "h1 { color: navy }",
        _headers: "/style.css\n  X-Site: yes\n",
        _redirects: "/old /new 301\n",
      },
    }));
  });
  afterAll(() => server.dispose());

  it("serves files with types, etags and the rules of _headers and _redirects", async () => {
    const style = await ask(`${url}/style.css`);
    expect([style.status, style.body]).toEqual([200, "h1 { color: navy }"]);
    expect(style.headers["content-type"]).toContain("text/css");
    expect(style.headers["x-site"]).toBe("yes");
    const again = await ask(`${url}/style.css`, { "if-none-match": String(style.headers.etag) });
    expect([again.status, again.body]).toEqual([304, ""]);
    expect((await ask(`${url}/old`)).headers.location).toBe(`${new URL(url).pathname}/new`);
    expect((await ask(`${url}/_headers`)).body).not.toContain("X-Site");
  });

  it("answers a navigation with the page and an API call with the function", async () => {
    expect((await ask(`${url}/`)).body).toBe("<h1>Home</h1>");
    expect(await ask(`${url}/deep/link`, navigation)).toMatchObject({ status: 200, body: "<h1>Home</h1>" });
    expect(await ask(`${url}/api/items`)).toMatchObject({ status: 200, body: "function /api/items" });
    expect((await ask(`${url}/api/binding`)).body).toBe("h1 { color: navy }");
  });

  it("sends a browser to the folder, so that relative links work", async () => {
    const answer = await ask(`${url}?tab=1`, navigation);
    expect(answer.status).toBe(307);
    expect(answer.headers.location).toBe(`${new URL(url).pathname}/?tab=1`);
  });
});
