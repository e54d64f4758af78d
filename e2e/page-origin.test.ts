import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, openBrowser } from "./harness/browser.ts";
import { createDeveloper, type Project } from "./harness/developer.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

const WORKER = `export default {
  async fetch(request) {
    const headers = { "content-type": "text/html", "set-cookie": "planted=1; Path=/api", "clear-site-data": '"cookies"' };
    return new Response("<!doctype html><title>hello</title><p id=cookies>" + request.headers.get("cookie") + "</p>", { headers });
  },
};`;
const STATIC_PAGE = `<!doctype html><title>static</title><script type="module" src="./module.js"></script>`;

/** What a page's script finds of the origin that it runs in. */
const LOOK_AROUND = `({
  origin: self.origin,
  storage: (() => { try { return String(localStorage.length); } catch (error) { return error.name; } })(),
  cookies: (() => { try { return document.cookie; } catch (error) { return error.name; } })(),
})`;

describe.skipIf(!hasBrowser)("pages of functions in a real browser", () => {
  let server: ServerProcess;
  let browser: Browser;
  let project: Project;

  beforeAll(async () => {
    server = await startServer({ env: UNLIMITED });
    browser = await openBrowser();
    const developer = await createDeveloper(server);
    project = await developer.createProject("shop");
    await developer.deploy(project, { name: "page", isPublic: true, worker: WORKER });
    await developer.deploy(project, {
      name: "site",
      isPublic: true,
      worker: WORKER,
      config: { assets: {} },
      assets: { "index.html": STATIC_PAGE, "module.js": 'document.title = "module ran";' },
    });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.dispose();
  });

  it("have an opaque origin below /f/, where the API answers, and cookies of their own address only", async () => {
    const context = await browser.newContext();
    await context.addCookies([{ name: "session", value: "s", domain: "127.0.0.1", path: "/api/auth" }]);
    const page = await context.newPage();
    await page.goto(`${server.url}/f/shop/page/`);
    expect(await page.evaluate(LOOK_AROUND)).toEqual({
      origin: "null",
      storage: "SecurityError",
      cookies: "SecurityError",
    });
    const kept = (await context.cookies()).map(({ name, path }) => [name, path]).sort();
    expect(kept).toEqual([
      ["planted", "/f/shop/page/api"],
      ["session", "/api/auth"],
    ]);
    await context.close();
  });

  it("run what a static site has there: its modules load", async () => {
    const page = await browser.newPage();
    await page.goto(`${server.url}/f/shop/site/`);
    await page.waitForFunction(`document.title === "module ran"`);
    expect((await page.evaluate(LOOK_AROUND)) as object).toMatchObject({ origin: "null" });
    await page.close();
  });

  it("have an origin of their own in the host form", async () => {
    const page = await browser.newPage();
    const host = `http://page.shop.localhost:${server.port}`;
    await page.goto(host);
    expect(await page.evaluate(LOOK_AROUND)).toEqual({ origin: host, storage: "0", cookies: "" });
    await page.close();
  });
});
