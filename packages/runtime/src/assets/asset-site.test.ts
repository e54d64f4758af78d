import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AssetsConfig } from "@aerostack/contracts";
import { afterAll, describe, expect, it } from "vitest";
import { call, createRuntimeFixture } from "../runtime-fixture.ts";
import { type AssetFile, buildAssetManifest } from "./asset-manifest.ts";
import { type AssetSite, createAssetSite } from "./asset-site.ts";
import { sendAsset } from "./send-asset.ts";

const directory = mkdtempSync(join(tmpdir(), "assets-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** One for each content, by which the tests know it again. */
const openers = new Map<string, AssetFile["open"]>();

function asset(path: string, content: string): AssetFile {
  const sha256 = createHash("sha256").update(content).digest("hex");
  const file = join(directory, sha256);
  writeFileSync(file, content);
  const open = openers.get(file) ?? (async (range) => createReadStream(file, range));
  openers.set(file, open);
  return { path, open, sizeBytes: Buffer.byteLength(content), sha256 };
}

async function site(files: Readonly<Record<string, string>>, config: Partial<AssetsConfig> = {}): Promise<AssetSite> {
  return await createAssetSite(
    buildAssetManifest(Object.entries(files).map(([path, content]) => asset(path, content))),
    {
      binding: "ASSETS",
      notFoundHandling: "none",
      htmlHandling: "auto-trailing-slash",
      runWorkerFirst: false,
      ...config,
    },
  );
}

/** What a path answers, in one line: a status and the file or place it leads to; "-" when it is the function's turn. */
function asked(of: AssetSite, target: string, method = "GET", headers: Record<string, string> = {}): string {
  const answer = of.answer({ method, target, host: "site.test", headers });
  if (answer === null) return "-";
  const open = answer.body?.open;
  const content = files.find((one) => one.open === open)?.path;
  return `${answer.status} ${answer.headers.location ?? content ?? ""}`.trim();
}

const FILES = {
  "/index.html": "home",
  "/404.html": "nothing here",
  "/both.html": "page both",
  "/both/index.html": "index both",
  "/page.html": "page",
  "/folder/index.html": "folder",
  "/folder/404.html": "nothing in folder",
  "/folder/deep/page.html": "deep page",
  "/app.js": "code",
  "/größe ü.txt": "umlaut",
  "/no-ending": "bytes",
};
const files = Object.entries(FILES).map(([path, content]) => asset(path, content));

describe("paths", () => {
  const tables: Readonly<Record<AssetsConfig["htmlHandling"], Readonly<Record<string, string>>>> = {
    "auto-trailing-slash": {
      "/": "200 /index.html",
      "/index": "307 /",
      "/index.html": "307 /",
      "/page": "200 /page.html",
      "/page?a=1": "200 /page.html",
      "/page.html?a=1": "307 /page?a=1",
      "/page/": "307 /page",
      "/page/index": "307 /page",
      "/page/index.html": "307 /page",
      "/folder": "307 /folder/",
      "/folder/": "200 /folder/index.html",
      "/folder.html": "307 /folder/",
      "/folder/index": "307 /folder/",
      "/folder/index.html": "307 /folder/",
      "/both": "200 /both.html",
      "/both/": "200 /both/index.html",
      "/both.html": "307 /both",
      "/both/index.html": "307 /both/",
      "/app.js": "200 /app.js",
      "/app.js/": "-",
      "/gr%C3%B6%C3%9Fe%20%C3%BC.txt": "200 /größe ü.txt",
    },
    "force-trailing-slash": {
      "/": "200 /index.html",
      "/page": "307 /page/",
      "/page/": "200 /page.html",
      "/page.html": "307 /page/",
      "/folder": "307 /folder/",
      "/folder/": "200 /folder/index.html",
      "/app.js": "200 /app.js",
    },
    "drop-trailing-slash": {
      "/": "200 /index.html",
      "/page": "200 /page.html",
      "/page/": "307 /page",
      "/folder": "200 /folder/index.html",
      "/folder/": "307 /folder",
      "/folder/index.html": "307 /folder",
    },
    none: {
      "/": "-",
      "/index.html": "200 /index.html",
      "/page": "-",
      "/page.html": "200 /page.html",
      "/folder/": "-",
    },
  };
  for (const [htmlHandling, table] of Object.entries(tables)) {
    it.each(Object.entries(table))(`with ${htmlHandling}: %s answers %s`, async (target, answer) => {
      expect(asked(await site(FILES, { htmlHandling: htmlHandling as AssetsConfig["htmlHandling"] }), target)).toBe(
        answer,
      );
    });
  }

  it.each([
    ["/..%2f..%2fetc/passwd"],
    ["/../secret"],
    ["/%00"],
    ["/%E0%A4%A"],
    ["//evil.test/index.html"],
    ["//evil.test/.."],
    ["/\\evil.test/index.html"],
    ["/__proto__"],
    ["/constructor"],
  ])("finds nothing at %s", async (target) => {
    expect(asked(await site(FILES), target)).toBe("-");
  });

  it("falls back as configured", async () => {
    const spa = await site(FILES, { notFoundHandling: "single-page-application" });
    expect([asked(spa, "/any/where"), asked(spa, "/any", "POST")]).toEqual(["200 /index.html", "-"]);
    const pages = await site(FILES, { notFoundHandling: "404-page" });
    expect(asked(pages, "/nope")).toBe("404 /404.html");
    expect(asked(pages, "/folder/deep/nope")).toBe("404 /folder/404.html");
    expect(asked(await site({ "/a.js": "" }, { notFoundHandling: "404-page" }), "/nope")).toBe("-");
  });

  it("are only read", async () => {
    const plain = await site(FILES);
    expect(asked(plain, "/app.js", "POST")).toBe("405");
    expect(asked(plain, "/nope", "POST")).toBe("-");
  });
});

describe("headers of an answer", () => {
  it("tell type, length and etag, and let a client that has the file keep it", async () => {
    const plain = await site(FILES);
    const first = plain.answer({ method: "GET", target: "/app.js", host: "h", headers: {} });
    expect(first).toMatchObject({
      status: 200,
      headers: {
        "content-type": "text/javascript; charset=utf-8",
        "content-length": "4",
        "cache-control": "public, max-age=0, must-revalidate",
      },
    });
    const etag = first?.headers.etag ?? "";
    for (const value of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const again = plain.answer({ method: "GET", target: "/app.js", host: "h", headers: { "if-none-match": value } });
      expect(again).toMatchObject({ status: 304, body: null, headers: { etag } });
    }
    expect(asked(plain, "/app.js", "GET", { "if-none-match": '"x"' })).toBe("200 /app.js");
    const head = plain.answer({ method: "HEAD", target: "/app.js", host: "h", headers: {} });
    expect(head).toEqual({ ...first, body: null });
    expect(plain.answer({ method: "GET", target: "/no-ending", host: "h", headers: {} })?.headers["content-type"]).toBe(
      "application/octet-stream",
    );
  });

  it.each([
    ["bytes=0-1", 206, "bytes 0-1/4", { start: 0, end: 1 }],
    ["bytes=2-", 206, "bytes 2-3/4", { start: 2, end: 3 }],
    ["bytes=-1", 206, "bytes 3-3/4", { start: 3, end: 3 }],
    ["bytes=1-99", 206, "bytes 1-3/4", { start: 1, end: 3 }],
    ["bytes=-99", 206, "bytes 0-3/4", { start: 0, end: 3 }],
    ["bytes=4-", 416, "bytes */4", undefined],
    ["bytes=-0", 416, "bytes */4", undefined],
    ["bytes=3-1", 200, undefined, { start: 0, end: 3 }],
    ["bytes=0-0,2-3", 200, undefined, { start: 0, end: 3 }],
    ["lines=1-2", 200, undefined, { start: 0, end: 3 }],
  ])("answer the range %s with %i", async (range, status, contentRange, sent) => {
    const answer = (await site(FILES)).answer({ method: "GET", target: "/app.js", host: "h", headers: { range } });
    expect(answer?.status).toBe(status);
    expect(answer?.headers["content-range"]).toBe(contentRange);
    expect(answer?.body?.range).toEqual(sent);
  });

  it("send a range only of the file that the client knows", async () => {
    const plain = await site(FILES);
    const headers = { range: "bytes=0-1", "if-range": '"other"' };
    expect(plain.answer({ method: "GET", target: "/app.js", host: "h", headers })?.status).toBe(200);
  });

  it("follow the rules of _headers, which itself is never served", async () => {
    const ruled = await site({
      ...FILES,
      "/_headers": `# all
/*
  X-Frame-Options: DENY
  X-List: one
/folder/:name/*
  X-List: two
  X-Where: :name + :splat
https://site.test/app.js
  Cache-Control: public, max-age=31536000
  ! X-Frame-Options
https://other.test/*
  X-Other: yes
bad line
`,
    });
    const headersOf = (target: string) =>
      ruled.answer({ method: "GET", target, host: "site.test", headers: {} })?.headers;
    expect(headersOf("/page")).toMatchObject({ "x-frame-options": "DENY", "x-list": "one" });
    expect(headersOf("/page")).not.toHaveProperty("x-other");
    expect(headersOf("/folder/deep/page")).toMatchObject({ "x-list": "one, two", "x-where": "deep + page" });
    expect(headersOf("/app.js")).toMatchObject({ "cache-control": "public, max-age=31536000" });
    expect(headersOf("/app.js")).not.toHaveProperty("x-frame-options");
    expect(asked(ruled, "/_headers")).toBe("-");
    expect(ruled.problems).toEqual(["_headers, line 13: expected 'Name: value'."]);
  });
});

describe("redirects", () => {
  const rules = `# moved
/old /page 301
/home /
/blog/* /news/:splat 308
/user/:id/post/:post https://users.test/:id?post=:post 303
/go/* /:splat
/rewrite /folder/index.html 200
/proxied https://other.test/ 200
/loop /loop
/two too many things 301
nonsense
/:a-:b /x
`;
  it.each([
    ["/old?x=1", "301 /page?x=1"],
    ["/home", "302 /"],
    ["/blog/2026/a?x=1", "308 /news/2026/a?x=1"],
    ["/user/7/post/9?x=1", "303 https://users.test/7?post=9"],
    ["/go//evil.test", "302 /evil.test"],
    ["/go/%5C%5Cevil.test", "302 /evil.test"],
    ["/go/%0d%0aset-cookie:%20a=1", "302 /%0D%0Aset-cookie:%20a=1"],
    ["/rewrite", "200 /folder/index.html"],
    ["/loop", "-"],
    ["/_redirects", "-"],
    ["/page", "200 /page.html"],
  ])("lead %s to %s", async (target, answer) => {
    expect(asked(await site({ ...FILES, "/_redirects": rules }), target)).toBe(answer);
  });

  it("that are wrong are named with their line and left out", async () => {
    expect((await site({ "/_redirects": rules })).problems).toEqual([
      "_redirects, line 8: only paths of this site can be served with status 200.",
      "_redirects, line 10: expected 'source target [status]'.",
      "_redirects, line 11: expected 'source target [status]'.",
      "_redirects, line 12: the source is not a path pattern.",
    ]);
  });

  it("come before files", async () => {
    expect(asked(await site({ "/a.js": "", "/_redirects": "/a.js /b.js 301" }), "/a.js")).toBe("301 /b.js");
  });
});

describe("manifests", () => {
  it.each(["no-slash", "/a/../b", "/a//b", "/a/", "/a\\b", "/a\u0000", `/${"x".repeat(1024)}`])(
    "refuse the path %j",
    (path) => {
      expect(() =>
        buildAssetManifest([{ path, open: () => Promise.reject(new Error("not read")), sizeBytes: 1, sha256: "0" }]),
      ).toThrow(expect.objectContaining({ code: "VALIDATION_ERROR" }));
    },
  );
  it("refuse a path that is there twice, and files that are too large", () => {
    const file = { path: "/a", open: () => Promise.reject(new Error("not read")), sizeBytes: 1, sha256: "0" };
    expect(() => buildAssetManifest([file, file])).toThrow("is there twice");
    expect(() => buildAssetManifest([{ ...file, sizeBytes: 1e9 }])).toThrow("is larger than");
  });
});

describe("sending", () => {
  it("streams the file, or the part of it that was asked for", async () => {
    const plain = await site(FILES);
    const server = createServer((req, res) => {
      const answer = plain.answer({ method: "GET", target: req.url ?? "", host: "h", headers: req.headers });
      if (answer !== null) sendAsset(res, answer);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    const read = (headers: Record<string, string>): Promise<string> =>
      new Promise((resolve, reject) => {
        get({ port, path: "/app.js", headers, agent: false }, async (res) => {
          resolve(`${res.statusCode} ${(await res.toArray()).join("")}`);
        }).on("error", reject);
      });
    expect(await read({})).toBe("200 code");
    expect(await read({ range: "bytes=1-2" })).toBe("206 od");
    server.close();
  });

  it("serves the ASSETS binding of each function with its own files", async () => {
    const fixture = await createRuntimeFixture();
    const source = "export default { fetch: (req, env) => env.SITE.fetch(req) };";
    const config = { assets: { binding: "SITE", notFoundHandling: "404-page" } };
    await fixture.runtime.configure(
      fixture.project([
        fixture.fn("site", source, { config, assets: files }),
        fixture.fn("blog", source, { config, assets: [asset("/index.html", "blog")] }),
      ]),
    );
    expect(await call(fixture, "site@production@1", "/page")).toMatchObject({ status: 200, text: "page" });
    expect(await call(fixture, "site@production@1", "/nope")).toMatchObject({ status: 404, text: "nothing here" });
    expect(await call(fixture, "blog@production@1", "/")).toMatchObject({ status: 200, text: "blog" });
    expect(await call(fixture, "blog@production@1", "/page")).toMatchObject({ status: 404, text: "Not found" });
    await fixture.close();
  });
});
