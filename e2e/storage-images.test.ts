import { randomBytes } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { startProjectServer } from "./harness/project-server.ts";
import type { ServerProcess } from "./harness/server-process.ts";

// Pictures in other sizes and formats, and what else a bucket does by itself.

let server: ServerProcess;
let developer: Developer;
let project: Project;
let key: string;

beforeAll(async () => {
  ({ server, developer, project, secret: key } = await startProjectServer("Images"));
});
afterAll(async () => {
  await server?.dispose();
});

async function upload(name: string, content: Buffer, type: string, isPublic = true): Promise<string> {
  const form = new FormData();
  form.set("key", name);
  form.set("contentType", type);
  form.set("public", String(isPublic));
  form.set("file", new Blob([new Uint8Array(content)]));
  const answer = await fetch(`${server.url}/v1/storage/upload`, {
    method: "POST",
    headers: { "x-aerostack-key": key },
    body: form,
  });
  return ((await answer.json()) as { url: string }).url;
}

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: "#3050a0" } });

async function get(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers });
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
}

/** A PNG of few bytes that says that it has that many pixels. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.alloc(1000))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

describe("pictures", () => {
  test("are made into the size, fit and format that the address asks for", async () => {
    const url = await upload("photo.jpg", await picture(800, 600).jpeg().toBuffer(), "image/jpeg");
    const cases: [query: string, width: number, height: number, format: string][] = [
      ["width=200", 200, 150, "jpeg"],
      ["height=300", 400, 300, "jpeg"],
      ["width=100&height=100", 100, 100, "jpeg"],
      ["width=100&height=100&fit=inside", 100, 75, "jpeg"],
      ["width=50&format=webp&quality=40", 50, 38, "webp"],
      ["format=png", 800, 600, "png"],
      ["width=64&format=avif", 64, 48, "heif"],
      ["width=4000", 800, 600, "jpeg"],
    ];
    for (const [query, width, height, format] of cases) {
      const { status, headers, bytes } = await get(`${url}?${query}`);
      expect([query, status]).toEqual([query, 200]);
      expect([query, await sharp(bytes).metadata()]).toMatchObject([query, { width, height, format }]);
      expect(headers.get("content-type")).toBe(`image/${format === "heif" ? "avif" : format}`);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
    const auto = await get(`${url}?width=20&format=auto`, { accept: "image/avif,image/webp,*/*" });
    expect([auto.headers.get("content-type"), auto.headers.get("vary")]).toEqual(["image/webp", "accept"]);
  });

  test("have an etag of their own, that changes with the object", async () => {
    const url = await upload("etag.png", await picture(40, 40).png().toBuffer(), "image/png");
    const first = await get(`${url}?width=10`);
    const etag = first.headers.get("etag") ?? "";
    expect((await get(`${url}?width=10`)).bytes.equals(first.bytes)).toBe(true);
    expect((await get(`${url}?width=10`, { "if-none-match": etag })).status).toBe(304);
    expect((await get(`${url}?width=11`, { "if-none-match": etag })).status).toBe(200);
    await upload("etag.png", await picture(30, 20).png().toBuffer(), "image/png");
    const after = await get(`${url}?width=10`, { "if-none-match": etag });
    expect(after.status).toBe(200);
    expect(await sharp(after.bytes).metadata()).toMatchObject({ width: 10, height: 7 });
    const head = await fetch(`${url}?width=10`, { method: "HEAD" });
    expect(head.headers.get("content-length")).toBe(String(after.bytes.length));
  });

  test("do not tell where they were taken", async () => {
    const source = await picture(20, 10)
      .withExif({ IFD0: { Copyright: "somebody" } })
      .jpeg()
      .toBuffer();
    const url = await upload("exif.jpg", source, "image/jpeg");
    expect((await get(url)).bytes.includes("somebody")).toBe(true);
    expect((await get(`${url}?width=10`)).bytes.includes("somebody")).toBe(false);
  });

  test("that claim too many pixels, are broken, or are no pictures are refused, and the server goes on", async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>');
    const real = await picture(50, 50).png().toBuffer();
    const cases: [name: string, content: Buffer, type: string, status: number][] = [
      ["bomb", pngOf(30_000, 30_000), "image/png", 413],
      ["cut", real.subarray(0, real.length / 2), "image/png", 415],
      ["noise", randomBytes(5000), "image/jpeg", 415],
      ["svg", svg, "image/svg+xml", 415],
      ["svg as png", svg, "image/png", 415],
      ["text", Buffer.from("text"), "text/plain", 415],
      ["large", Buffer.alloc(26 * 1024 * 1024), "image/png", 413],
    ];
    for (const [name, content, type, status] of cases) {
      const url = await upload(`hostile ${name}`, content, type);
      expect([name, (await get(`${url}?width=10`)).status]).toEqual([name, status]);
    }
    const url = await upload("fine.png", real, "image/png");
    for (const query of [
      "width=0",
      "width=4097",
      "width=x",
      "quality=0",
      "quality=101",
      "fit=none",
      "format=svg",
      "height=1.5",
    ]) {
      expect([query, (await get(`${url}?${query}`)).status]).toEqual([query, 400]);
    }
    const many = await Promise.all(
      Array.from({ length: 60 }, (_, index) => get(`${url}?width=${index + 1}&format=webp`)),
    );
    expect(new Set(many.map(({ status }) => status)).isSubsetOf(new Set([200, 503]))).toBe(true);
    expect((await get(`${url}?width=10`)).status).toBe(200);
  });

  test("that are private stay so", async () => {
    const signed = await upload("private.png", await picture(20, 20).png().toBuffer(), "image/png", false);
    expect((await get(`${signed.split("?")[0]}?width=10`)).status).toBe(404);
    const { status, bytes } = await get(`${signed}&width=10`);
    expect(status).toBe(200);
    expect(await sharp(bytes).metadata()).toMatchObject({ width: 10 });
  });
});

describe("buckets", () => {
  test("are made and listed, and keep lifecycle rules", async () => {
    const base = `/api/v1/projects/${project.id}/storage`;
    expect(await developer.call("POST", base, { name: "logs" })).toEqual({ name: "logs" });
    await expect(developer.call("POST", base, { name: "logs" })).rejects.toMatchObject({ status: 409 });
    const { buckets } = await developer.call<{ buckets: { name: string }[] }>("GET", base);
    expect(buckets.map(({ name }) => name)).toEqual(["default", "logs"]);
    const rules = [{ id: "old", isEnabled: true, prefix: "tmp/", expireAfterDays: 30, abortUploadsAfterDays: 2 }];
    await developer.call("PUT", `${base}/logs/lifecycle`, { rules });
    expect(await developer.call("GET", `${base}/logs/lifecycle`)).toEqual({ rules });
    for (const bad of [
      { id: "x", expireAfterDays: 0 },
      { id: "", expireAfterDays: 1 },
    ]) {
      await expect(developer.call("PUT", `${base}/logs/lifecycle`, { rules: [bad] })).rejects.toMatchObject({
        status: 400,
      });
    }
    const twice = [rules[0], rules[0]];
    await expect(developer.call("PUT", `${base}/logs/lifecycle`, { rules: twice })).rejects.toMatchObject({
      status: 400,
    });
    const stranger = await createDeveloper(server);
    await expect(stranger.call("GET", base)).rejects.toMatchObject({ status: 404 });
  });
});
