import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createFileBlobStore, createManualClock } from "@aerostack/kernel";
import sharp from "sharp";
import { afterAll, expect, it } from "vitest";
import { drawAvatar } from "../../storage/images/draw-avatar.ts";
import { createImageResizer } from "../../storage/images/image-resizer.ts";
import { createTestApp, TEST_PASSWORD, TEST_START_MS } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";

const HOUR_MS = 60 * 60_000;
const key = new Uint8Array(32).fill(1);
const resizer = createImageResizer();
const folders: string[] = [];
afterAll(() => {
  resizer.close();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

const draw = (red: number, width = 400, height = 200) =>
  sharp({ create: { width, height, channels: 3, background: { r: red, g: 0, b: 0 } } });

describeEachControlDatabase("pictures of accounts and organisations", (openDatabase) => {
  async function open() {
    const clock = createManualClock(TEST_START_MS);
    const directory = mkdtempSync(join(tmpdir(), "aerostack-pictures-"));
    folders.push(directory);
    const blobs = createFileBlobStore({ directory, sealKey: key, idKey: key, clock });
    const database = await openDatabase();
    const test = await createTestApp(database, { clock, pictures: { blobs, draw: drawAvatar(resizer) } });
    const ada = await test.createDeveloper("ada@example.com");
    const send = async (
      body: Uint8Array | string,
      { type = "image/png", path = "/api/auth/avatar", headers = ada.bearer as Record<string, string> } = {},
    ) => {
      const answer = await test.app.request(path, {
        method: "PUT",
        headers: { ...headers, ...(type === "" ? {} : { "content-type": type }) },
        body: typeof body === "string" ? body : new Uint8Array(body),
      });
      return { status: answer.status, body: (await answer.json()) as { url: string; code?: string } };
    };
    const avatarOf = async (): Promise<string | null> => (await ada.call("GET", "/api/auth/me")).body.user.avatarUrl;
    const blobCount = async () => (await Array.fromAsync(blobs.list())).length;
    return { ...test, database, clock, ada, send, avatarOf, blobCount };
  }

  it("are drawn anew as a square of 256 pixels, without what else the file held", async () => {
    const { app, ada, send, avatarOf } = await open();
    expect(await avatarOf()).toBeNull();
    const source = await draw(200)
      .withExif({ IFD0: { Copyright: "a place that nobody should learn" } })
      .jpeg()
      .toBuffer();
    expect(source.toString("latin1")).toContain("a place that nobody");
    const { status, body } = await send(source, { type: "image/jpeg" });
    expect(status).toBe(200);
    expect(await avatarOf()).toBe(body.url);
    expect(body.url).toMatch(/^\/api\/v1\/pictures\/[0-9a-z]{32}$/i);
    expect(body.url).not.toContain(ada.user.id.slice(4));

    const answer = await app.request(body.url);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "image/webp",
      "cache-control": "public, max-age=604800, immutable",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    });
    const picture = Buffer.from(await answer.arrayBuffer());
    expect(await sharp(picture).metadata()).toMatchObject({ format: "webp", width: 256, height: 256 });
    expect(picture.toString("latin1")).not.toContain("a place that nobody");
    const etag = answer.headers.get("etag") ?? "";
    expect((await app.request(body.url, { headers: { "if-none-match": `"other", ${etag}` } })).status).toBe(304);
    expect((await app.request(body.url, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    // A smaller one becomes as large.
    const small = await send(await draw(1, 9, 7).png().toBuffer());
    const grown = Buffer.from(await (await app.request(small.body.url)).arrayBuffer());
    expect(await sharp(grown).metadata()).toMatchObject({ width: 256, height: 256 });
  });

  it("are never anything else: what is no picture is refused, and what is both a picture and a page comes back as a picture", async () => {
    const { app, send, avatarOf, blobCount } = await open();
    const svg = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><script>alert(1)</script></svg>";
    for (const body of [svg, "GIF89a<script>alert(1)</script>", "<html></html>", "%PDF-1.7", ""]) {
      for (const type of ["image/png", "image/gif", "image/svg+xml"]) {
        const refused = await send(body, { type });
        expect(refused, `${type} ${body}`).toMatchObject({
          status: 415,
          body: { code: "UNSUPPORTED_MEDIA_TYPE" },
        });
      }
    }
    const png = await draw(5).png().toBuffer();
    for (const type of ["", "text/html", "application/json", "multipart/form-data; boundary=x"]) {
      expect((await send(png, { type })).status, type).toBe(415);
    }
    expect([await avatarOf(), await blobCount()]).toEqual([null, 0]);

    const both = Buffer.concat([await draw(5).gif().toBuffer(), Buffer.from("<script>alert(1)</script>")]);
    const stored = await send(both, { type: "image/gif" });
    expect(stored.status).toBe(200);
    const answer = await app.request(stored.body.url);
    const picture = Buffer.from(await answer.arrayBuffer());
    expect(answer.headers.get("content-type")).toBe("image/webp");
    expect(picture.toString("latin1", 8, 12)).toBe("WEBP");
    expect(picture.toString("latin1")).not.toContain("script");
  });

  it("are refused when they are too large, as a file or unfolded", async () => {
    const { send, avatarOf } = await open();
    expect(await send(new Uint8Array(5 * 1024 * 1024 + 1))).toMatchObject({
      status: 413,
      body: { code: "REQUEST_TOO_LARGE" },
    });
    const enormous = await draw(1, 8_000, 6_000).png().toBuffer();
    expect(enormous.length).toBeLessThan(5 * 1024 * 1024);
    expect(await send(enormous)).toMatchObject({ status: 413, body: { code: "STORAGE_FILE_TOO_LARGE" } });
    expect(await avatarOf()).toBeNull();
  });

  it("have a new address with every upload; the old one, a removed one and an unknown one are answered alike", async () => {
    const { call, clock, ada, send, avatarOf, blobCount, controlPlane } = await open();
    const first = await send(await draw(1).png().toBuffer());
    const second = await send(await draw(2).png().toBuffer());
    expect(second.body.url).not.toBe(first.body.url);
    expect((await call("GET", second.body.url)).status).toBe(200);
    const gone = await call("GET", first.body.url);
    const unknown = await call("GET", "/api/v1/pictures/00000000000000000000000000000000");
    expect([gone.status, unknown.status]).toEqual([404, 404]);
    expect(gone.body.error.message).toBe(unknown.body.error.message);

    // Whoever has stored bytes a moment ago writes them down in a moment.
    await controlPlane.pictures.collect();
    expect(await blobCount()).toBe(2);
    clock.advance(HOUR_MS + 1);
    await controlPlane.pictures.collect();
    expect(await blobCount()).toBe(1);
    expect((await call("GET", second.body.url)).status).toBe(200);

    expect((await ada.call("DELETE", "/api/auth/avatar")).status).toBe(200);
    expect((await ada.call("DELETE", "/api/auth/avatar")).status).toBe(200);
    expect([await avatarOf(), (await call("GET", second.body.url)).status]).toEqual([null, 404]);
    await controlPlane.pictures.collect();
    expect(await blobCount()).toBe(0);
  });

  it("end with the account, and not while another account has the same", async () => {
    const { call, clock, ada, createDeveloper, send, blobCount, controlPlane } = await open();
    const bob = await createDeveloper("bob@example.com");
    const same = await draw(7).png().toBuffer();
    const hers = await send(same);
    const his = await send(same, { headers: bob.bearer });
    expect(await blobCount()).toBe(1);
    await call("POST", "/api/auth/account/close", { body: { password: TEST_PASSWORD }, headers: ada.bearer });
    clock.advance(30 * 24 * HOUR_MS);
    await controlPlane.closing.deleteDue();
    await controlPlane.pictures.collect();
    expect([(await call("GET", hers.body.url)).status, (await call("GET", his.body.url)).status]).toEqual([404, 200]);
    expect(await blobCount()).toBe(1);
  });

  it("of an organisation are for who may change it, and tell others nothing", async () => {
    const { call, ada, createDeveloper, send } = await open();
    const eve = await createDeveloper("eve@example.com");
    const made = await call("POST", "/api/v1/organisations", { headers: ada.bearer, body: { name: "Engines" } });
    const path = `/api/v1/organisations/${made.body.organisation.id}`;
    const png = await draw(3).png().toBuffer();
    const stored = await send(png, { path: `${path}/logo` });
    expect(stored.status).toBe(200);
    const shown = await call("GET", path, { headers: ada.bearer });
    expect(shown.body.organisation.logoUrl).toBe(stored.body.url);
    const foreign = await send(png, { path: `${path}/logo`, headers: eve.bearer });
    const missing = await send(png, { path: "/api/v1/organisations/org_missing/logo", headers: eve.bearer });
    expect([foreign.status, missing.status]).toEqual([404, 404]);
    expect((await call("DELETE", `${path}/logo`, { headers: eve.bearer })).status).toBe(404);
    expect((await call("GET", stored.body.url)).status).toBe(200);
    expect((await call("DELETE", `${path}/logo`, { headers: ada.bearer })).status).toBe(200);
    expect((await call("GET", path, { headers: ada.bearer })).body.organisation.logoUrl).toBeNull();
  });

  it("are set 20 times an hour at most, and leave in the audit log that they were", async () => {
    const { database, send } = await open();
    const png = await draw(3).png().toBuffer();
    const answers = [];
    for (let time = 0; time < 21; time++) answers.push((await send(png)).status);
    expect(answers).toEqual([...Array(20).fill(200), 429]);
    const { db } = database.withTables<{ audit_entries: { action: string; after: string | null } }>();
    const entries = await db
      .selectFrom("audit_entries")
      .selectAll()
      .where("action", "=", "account.picture_changed")
      .execute();
    expect(entries).toHaveLength(20);
    expect(entries[0]?.after).toBeNull();
  });
});
