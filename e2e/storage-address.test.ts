import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Project } from "./harness/developer.ts";
import { startProjectServer } from "./harness/project-server.ts";
import { send } from "./harness/raw-http.ts";
import type { ServerProcess } from "./harness/server-process.ts";

// Objects at their own addresses: for everybody, or for who holds a signed URL.

let server: ServerProcess;
let project: Project;
let key: string;

beforeAll(async () => {
  ({ server, project, secret: key } = await startProjectServer("Address"));
});
afterAll(async () => {
  await server?.dispose();
});

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape, asserted as they are found
async function api(operation: string, body: unknown): Promise<any> {
  const answer = await fetch(`${server.url}/v1/storage/${operation}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-aerostack-key": key },
    body: JSON.stringify(body),
  });
  return await answer.json();
}

async function upload(name: string, content: string, type: string, isPublic = true): Promise<string> {
  const form = new FormData();
  form.set("key", name);
  form.set("contentType", type);
  form.set("public", String(isPublic));
  form.set("file", new Blob([content]));
  const answer = await fetch(`${server.url}/v1/storage/upload`, {
    method: "POST",
    headers: { "x-aerostack-key": key },
    body: form,
  });
  return ((await answer.json()) as { url: string }).url;
}

const addressOf = (path: string): string => `${server.url}/storage/${project.slug}/${path}`;

describe("public objects", () => {
  it("answer GET and HEAD with the same headers, ranges and conditions, to pages of any origin", async () => {
    const url = await upload("page.txt", "0123456789", "text/plain");
    const [get, head] = await Promise.all([send(url), send(url, { method: "HEAD" })]);
    expect(get.body).toBe("0123456789");
    expect(head.body).toBe("");
    const { date: _d1, "x-request-id": _r1, ...got } = get.headers;
    const { date: _d2, "x-request-id": _r2, ...headed } = head.headers;
    expect(headed).toEqual(got);
    expect(got).toMatchObject({
      "access-control-allow-origin": "*",
      "accept-ranges": "bytes",
      "cache-control": "public, max-age=0, must-revalidate",
      "content-length": "10",
      etag: `"${createHash("md5").update("0123456789").digest("hex")}"`,
    });
    const part = await send(url, { headers: { range: "bytes=8-20" } });
    expect(part).toMatchObject({ status: 206, body: "89" });
    const partHead = await send(url, { method: "HEAD", headers: { range: "bytes=8-20" } });
    expect(partHead).toMatchObject({
      status: 206,
      headers: { "content-range": "bytes 8-9/10", "content-length": "2" },
    });
    expect((await send(url, { headers: { "if-none-match": got.etag } })).status).toBe(304);
    expect((await send(url, { headers: { "if-match": '"x"' } })).status).toBe(412);
    expect((await send(url.replace(project.slug, project.id))).status).toBe(200);
  });

  it("of a hostile kind cannot act on the origin that serves them", async () => {
    const script = "<script>fetch('/api/v1/account')</script>";
    const kinds = [
      "text/html",
      "application/xhtml+xml",
      "text/xml",
      "image/svg+xml",
      "TEXT/HTML; charset=utf-8",
      "x/y",
    ];
    for (const [index, kind] of kinds.entries()) {
      const url = await upload(`hostile/${index}`, script, kind);
      const { headers } = await send(url);
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*sandbox$/);
      if (kind !== "image/svg+xml") expect(headers["content-disposition"]).toBe("attachment");
    }
    for (const [index, kind] of ["text/javascript", "application/javascript; charset=utf-8"].entries()) {
      const { headers } = await send(await upload(`hostile/js${index}`, "alert(1)", kind));
      expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
    }
    const split = await upload("hostile/split", "x", "text/plain\r\nset-cookie: a=b");
    expect((await send(split)).headers["set-cookie"]).toBeUndefined();
  });

  it("are shown in place where they are pictures, and keep the cache control they were given", async () => {
    const url = await upload("pic.png", "png", "image/png");
    await api("update", { key: "pic.png", cacheControl: "public, max-age=60" });
    const { headers } = await send(url);
    expect(headers["content-disposition"]).toBeUndefined();
    expect(headers["cache-control"]).toBe("public, max-age=60");
    expect(headers["content-type"]).toBe("image/png");
  });

  it("are not found under addresses that are none, whatever they try", async () => {
    await upload("real.txt", "x", "text/plain");
    const paths = [
      "/storage",
      "/storage/",
      `/storage/${project.slug}`,
      `/storage/${project.slug}/`,
      `/storage/${project.slug}/../real.txt`,
      `/storage/${project.slug}/%2e%2e/real.txt`,
      `/storage/${project.slug}/a%00b`,
      `/storage/${project.slug}/%c0%ae%c0%ae/real.txt`,
      `/storage/${project.slug}/%ff`,
      `/storage/${project.slug}//real.txt`,
      `/storage/${project.slug}.other/real.txt`,
      `/storage/${project.slug}.default.x/real.txt`,
      `/storage/${project.slug}.UPPER/real.txt`,
      "/storage/nobody/real.txt",
    ];
    for (const path of paths) {
      const { status } = await send(server.url, { path });
      expect([path, status >= 400 && status < 500]).toEqual([path, true]);
    }
    expect((await send(addressOf("real.txt"), { method: "DELETE" })).status).toBe(405);
    expect((await send(addressOf("real.txt"), { method: "PUT", body: "x" })).status).toBe(403);
  });

  it("are gone for everybody at once when they are deleted or made private", async () => {
    const url = await upload("brief.txt", "x", "text/plain");
    expect((await send(url)).status).toBe(200);
    await api("delete", { key: "brief.txt" });
    expect((await send(url)).status).toBe(404);
  });
});

describe("signed URLs", () => {
  it("open one private object, for reading, until they expire", async () => {
    await upload("private.txt", "private", "text/plain", false);
    const { url, expiresAt } = await api("signUrl", { key: "private.txt", expiresIn: 1 });
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now() - 1000);
    const long = (await api("signUrl", { key: "private.txt", expiresIn: 600 })).url;
    const read = await send(long);
    expect(read).toMatchObject({ status: 200, body: "private" });
    expect(read.headers["cache-control"]).toBe("private, no-cache");
    expect((await send(long, { method: "HEAD" })).status).toBe(200);
    await expect.poll(async () => (await send(url)).status, { timeout: 5000 }).toBe(403);
  });

  it("are bound to method, key, project and all that they say", async () => {
    await upload("bound.txt", "bound", "text/plain", false);
    await upload("bound2.txt", "bound", "text/plain", false);
    const { url } = await api("signUrl", { key: "bound.txt" });
    const changed = (change: (url: URL) => void): string => {
      const parsed = new URL(url);
      change(parsed);
      return parsed.href;
    };
    const expires = Number(new URL(url).searchParams.get("expires"));
    const wrong = [
      changed((one) => one.searchParams.set("expires", String(expires + 1))),
      changed((one) => one.searchParams.set("expires", "abc")),
      changed((one) => one.searchParams.set("signature", "")),
      changed((one) => one.searchParams.set("signature", "A".repeat(43))),
      changed((one) => one.searchParams.set("public", "1")),
      changed((one) => one.searchParams.set("max", "5")),
      changed((one) => {
        one.pathname = one.pathname.replace("bound.txt", "bound2.txt");
      }),
      changed((one) => {
        one.pathname = one.pathname.replace(project.slug, "nobody");
      }),
    ];
    for (const one of wrong) expect([one, (await send(one)).status]).toEqual([one, 403]);
    expect((await send(url, { method: "PUT", body: "x" })).status).toBe(403);
    expect((await send(url)).status).toBe(200);
  });

  it("let anybody upload one object, of the type and size that they name", async () => {
    const { url, method } = await api("signUrl", {
      key: "in/photo.png",
      method: "PUT",
      contentType: "image/png",
      maxBytes: 10,
      public: true,
    });
    expect(method).toBe("PUT");
    const put = (body: string, type = "image/png") =>
      send(url, { method: "PUT", body, headers: { "content-type": type, "content-length": body.length } });
    expect((await put("12345", "text/html")).status).toBe(403);
    expect((await put("12345678901")).status).toBe(413);
    const chunked = await send(url, {
      method: "PUT",
      body: "12345678901",
      headers: { "content-type": "image/png", "transfer-encoding": "chunked" },
    });
    expect(chunked.status).toBe(413);
    expect((await api("exists", { key: "in/photo.png" })).exists).toBe(false);
    const done = await put("1234567890");
    expect(done.status).toBe(200);
    expect(JSON.parse(done.body)).toEqual({
      url: addressOf("in/photo.png"),
      key: "in/photo.png",
      size: 10,
      etag: expect.any(String),
    });
    expect((await send(addressOf("in/photo.png"))).body).toBe("1234567890");
    expect((await send(url)).status).toBe(403);
    const preflight = await send(url, {
      method: "OPTIONS",
      headers: { "access-control-request-headers": "content-type" },
    });
    expect(preflight).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-headers": "content-type",
        "access-control-allow-methods": expect.stringContaining("PUT"),
      },
    });
  });
});
