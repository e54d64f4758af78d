import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasBrowser, openBrowser } from "./harness/browser.ts";
import { createDeveloper, type Developer } from "./harness/developer.ts";
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

/** As the dashboard asks. */
async function postJson({ url, body }: { url: string; body: unknown }) {
  try {
    const answer = await fetch(url, {
      method: "POST",
      credentials: "include",
      headers: { "content-type": "application/json", "x-aerostack-session": "cookie" },
      body: JSON.stringify(body),
    });
    return { status: answer.status };
  } catch (error) {
    return { failed: (error as Error).name };
  }
}

/** What needs no permission of the other origin: its answer is not shown. */
async function sendBlindly(url: string) {
  await fetch(url, { method: "POST", mode: "no-cors", credentials: "include", body: "{}" });
}

/** What a form can send needs no permission either. */
const submitForm = (action: string) => `
  document.body.innerHTML = '<form method="post" enctype="text/plain"><input name="a" value="1"></form>';
  document.forms[0].action = ${JSON.stringify(action)};
  document.forms[0].submit();`;

/** Every page that the platform itself serves to people. */
const OWN_PAGES = [
  "/setup",
  "/device?user_code=BCDF-GHJK",
  "/reset-password#token=x",
  "/verify-email#token=x",
  "/confirm-email-change#token=x",
  "/stop-email-change#token=x",
  "/reopen-account#token=x",
  "/api/docs",
  "/api/v1/public/projects/shop/auth/pages/verify-email?token=x",
  "/api/v1/public/projects/shop/auth/pages/reset-password?token=x",
];

describe.skipIf(!hasBrowser)("pages of functions in a real browser", () => {
  let server: ServerProcess;
  let browser: Browser;
  let developer: Developer;

  beforeAll(async () => {
    server = await startServer({ env: UNLIMITED });
    browser = await openBrowser();
    developer = await createDeveloper(server);
    const project = await developer.createProject("shop");
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

  it("P19 cannot use the log-in that the owner's browser keeps, and no other page can but the server's own", async () => {
    const context = await browser.newContext();
    const own = await context.newPage();
    await own.goto(`${server.url}/device`);
    const ask = (page: Page, path: string, body: unknown) =>
      page.evaluate(postJson, { url: `${server.url}${path}`, body }) as Promise<{ status?: number; failed?: string }>;
    const { email, password } = developer;
    expect(await ask(own, "/api/auth/login", { email, password })).toEqual({ status: 200 });
    const [cookie, ...others] = await context.cookies();
    expect(cookie).toMatchObject({ name: "aerostack_refresh", path: "/api/auth", httpOnly: true, sameSite: "Strict" });
    expect(others).toEqual([]);
    expect(await own.evaluate("document.cookie")).toBe("");

    const asked: { path: string; cookie: string | undefined }[] = [];
    context.on("request", async (request) => {
      const path = new URL(request.url()).pathname;
      if (path.startsWith("/api/auth/")) asked.push({ path, cookie: (await request.allHeaders()).cookie });
    });
    for (const address of [`${server.url}/f/shop/page/`, `http://page.shop.localhost:${server.port}/`]) {
      const page = await context.newPage();
      await page.goto(address);
      expect(await ask(page, "/api/auth/refresh", {})).toEqual({ failed: "TypeError" });
      await page.evaluate(sendBlindly, `${server.url}/api/auth/refresh`);
      await Promise.all([page.waitForNavigation(), page.evaluate(submitForm(`${server.url}/api/auth/logout`))]);
      await page.close();
    }
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(asked.filter(({ cookie }) => cookie?.includes("aerostack_refresh"))).toEqual([]);
    expect((await context.cookies()).find(({ name }) => name === "aerostack_refresh")?.value).toBe(cookie?.value);
    expect(await ask(own, "/api/auth/refresh", {})).toEqual({ status: 200 });
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

  it("P19 P20 of the platform itself ask nobody else, set no cookie and store nothing", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const elsewhere: string[] = [];
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(`${server.url}/`) && !url.startsWith("data:")) elsewhere.push(url);
    });
    for (const path of OWN_PAGES) {
      const answer = await page.goto(`${server.url}${path}`, { waitUntil: "networkidle" });
      expect([path, answer?.headers()["content-type"]]).toEqual([path, expect.stringContaining("text/html")]);
      expect([path, await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")]).toEqual([
        path,
        [0, 0, ""],
      ]);
    }
    expect(elsewhere).toEqual([]);
    expect(await context.cookies()).toEqual([]);
    await context.close();
  });
});
