import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { Upload, type UploadOptions } from "tus-js-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type RawAnswer, send } from "./harness/raw-http.ts";
import { freePort, type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// Resumable uploads, through tus-js-client and by hand.

const MIB = 1024 * 1024;
const PIECE = "application/offset+octet-stream";

let server: ServerProcess;
let port: number;
let developer: Developer;
let project: Project;
let key: string;

beforeAll(async () => {
  port = await freePort();
  server = await startServer({ env: UNLIMITED, port });
  developer = await createDeveloper(server);
  project = await developer.createProject("Tus");
  key = (await developer.createKey(project)).secret;
});
afterAll(async () => {
  await server?.dispose();
});

const endpoint = (): string => `${server.url}/v1/storage/tus`;
const encode = (metadata: Readonly<Record<string, string>>): string =>
  Object.entries(metadata)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString("base64")}`)
    .join(",");

async function api(operation: string, body: unknown): Promise<Response> {
  return await fetch(`${server.url}/v1/storage/${operation}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-aerostack-key": key },
    body: JSON.stringify(body),
  });
}

const read = async (name: string): Promise<Buffer> =>
  Buffer.from(await (await api("get", { key: name })).arrayBuffer());
const metadataOf = async (name: string) =>
  (await (await api("getMetadata", { key: name })).json()) as Record<string, unknown>;

function upload(content: Buffer, options: Partial<UploadOptions>): { upload: Upload; done: Promise<void> } {
  let started: Upload | undefined;
  const done = new Promise<void>((resolve, reject) => {
    started = new Upload(content, {
      endpoint: endpoint(),
      headers: { "x-aerostack-key": key },
      retryDelays: [0, 100, 500, 1000, 2000, 3000],
      onSuccess: () => resolve(),
      onError: reject,
      ...options,
    });
    started.start();
  });
  return { upload: started as Upload, done };
}

interface Created extends RawAnswer {
  readonly url: string;
}

async function create(
  headers: Record<string, string | number>,
  body?: Buffer | string,
  url = endpoint(),
): Promise<Created> {
  const answer = await send(url, {
    method: "POST",
    headers: {
      "x-aerostack-key": key,
      "tus-resumable": "1.0.0",
      "content-length": body === undefined ? 0 : Buffer.byteLength(body),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  return { ...answer, url: new URL(answer.headers.location ?? "/", server.url).href };
}

const tus = (url: string, method: string, headers: Record<string, string | number> = {}, body?: Buffer | string) =>
  send(url, {
    method,
    headers: {
      "tus-resumable": "1.0.0",
      ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
const patch = (url: string, offset: number, body: Buffer | string, headers: Record<string, string> = {}) =>
  tus(url, "PATCH", { "content-type": PIECE, "upload-offset": offset, ...headers }, body);

describe("tus-js-client", () => {
  test("uploads in pieces and in one, with key, type and metadata", async () => {
    const content = randomBytes(20 * MIB + 3);
    const metadata = { key: "tus/big.bin", contentType: "video/mp4", public: "true", note: "hällo" };
    await upload(content, { chunkSize: 6 * MIB, metadata }).done;
    expect((await read("tus/big.bin")).equals(content)).toBe(true);
    expect(await metadataOf("tus/big.bin")).toMatchObject({
      size: content.length,
      contentType: "video/mp4",
      public: true,
      metadata: { note: "hällo" },
    });
    await upload(content, { metadata: { filename: "tus/whole.bin" }, uploadDataDuringCreation: true }).done;
    expect((await read("tus/whole.bin")).equals(content)).toBe(true);
    await upload(Buffer.alloc(0), { metadata: { key: "tus/empty" } }).done;
    expect(await metadataOf("tus/empty")).toMatchObject({ exists: true, size: 0 });
  });

  test("goes on where it was after the server was killed and started again", async () => {
    const content = randomBytes(40 * MIB);
    let killed: Promise<void> | undefined;
    const { done } = upload(content, {
      metadata: { key: "tus/survivor" },
      chunkSize: 9 * MIB,
      retryDelays: Array.from({ length: 60 }, () => 250),
      onProgress(sent) {
        if (sent < 20 * MIB || killed !== undefined) return;
        killed = (async () => {
          await server.kill();
          server = await startServer({ env: UNLIMITED, port, dataDir: server.dataDir });
        })();
      },
    });
    await done;
    expect(killed).toBeDefined();
    await killed;
    expect((await read("tus/survivor")).equals(content)).toBe(true);
  });

  test("uploads with a signed URL alone, as a browser does", async () => {
    const content = randomBytes(MIB);
    const sign = async (maxBytes: number): Promise<string> =>
      (
        (await (
          await api("signUrl", { key: "tus/signed", method: "PUT", contentType: "image/png", maxBytes })
        ).json()) as { url: string }
      ).url;
    const anonymous = { headers: {}, retryDelays: [], chunkSize: 300_000 };
    await upload(content, { ...anonymous, endpoint: await sign(MIB) }).done;
    expect((await read("tus/signed")).equals(content)).toBe(true);
    expect(await metadataOf("tus/signed")).toMatchObject({ contentType: "image/png", public: false });
    await expect(upload(content, { ...anonymous, endpoint: await sign(MIB - 1) }).done).rejects.toThrow("413");
    const unsigned = `${server.url}/storage/${project.slug}/tus/unsigned`;
    await expect(upload(content, { ...anonymous, endpoint: unsigned }).done).rejects.toThrow("403");
  });
});

describe("the protocol", () => {
  const metadata = encode({ key: "tus/protocol" });

  test("OPTIONS tells what is spoken, to pages of any origin", async () => {
    const { url } = await create({ "upload-length": 1, "upload-metadata": metadata });
    const answer = await send(url, {
      method: "OPTIONS",
      headers: { "access-control-request-headers": "tus-resumable" },
    });
    expect(answer).toMatchObject({
      status: 204,
      headers: {
        "tus-version": "1.0.0",
        "tus-extension": "creation,creation-with-upload,expiration,checksum,termination",
        "tus-checksum-algorithm": "sha1,sha256,sha512,md5",
        "access-control-allow-headers": "tus-resumable",
        "access-control-allow-methods": expect.stringContaining("PATCH"),
      },
    });
  });

  test("an upload is created, told, continued and ended", async () => {
    const created = await create({ "upload-length": 6, "upload-metadata": metadata });
    expect(created.status).toBe(201);
    expect(Date.parse(created.headers["upload-expires"] as string)).toBeGreaterThan(Date.now());
    expect(await patch(created.url, 0, "abc")).toMatchObject({ status: 204, headers: { "upload-offset": "3" } });
    const head = await tus(created.url, "HEAD");
    expect(head).toMatchObject({
      status: 200,
      headers: { "upload-offset": "3", "upload-length": "6", "cache-control": "no-store", "tus-resumable": "1.0.0" },
    });
    expect(head.headers["upload-metadata"]).toContain(encode({ key: "tus/protocol" }));
    expect((await metadataOf("tus/protocol")).exists).toBe(false);
    expect(await patch(created.url, 3, "def")).toMatchObject({ status: 204, headers: { "upload-offset": "6" } });
    expect((await read("tus/protocol")).toString()).toBe("abcdef");
    expect((await tus(created.url, "HEAD")).headers["upload-offset"]).toBe("6");
    expect((await patch(created.url, 6, "x")).status).toBe(413);
    expect((await patch(created.url, 6, "")).headers["upload-offset"]).toBe("6");
    expect((await read("tus/protocol")).toString()).toBe("abcdef");
  });

  test("what came before a connection broke is kept", async () => {
    const { url } = await create({ "upload-length": 100, "upload-metadata": encode({ key: "tus/cut" }) });
    const { pathname } = new URL(url);
    const head = `PATCH ${pathname} HTTP/1.1\r\nhost: x\r\ntus-resumable: 1.0.0\r\nupload-offset: 0\r\ncontent-type: ${PIECE}\r\ncontent-length: 100\r\n\r\n`;
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () =>
        socket.write(`${head}0123456789`, () => setImmediate(() => socket.end())),
      );
      socket.on("error", () => undefined);
      socket.resume();
      socket.on("close", () => resolve());
    });
    await expect.poll(async () => (await tus(url, "HEAD")).headers["upload-offset"], { timeout: 5000 }).toBe("10");
    expect((await patch(url, 10, "x".repeat(90))).headers["upload-offset"]).toBe("100");
    expect((await read("tus/cut")).toString()).toBe(`0123456789${"x".repeat(90)}`);
  });

  test("a checksum that is wrong leaves the upload where it was", async () => {
    const { url } = await create({ "upload-length": 3, "upload-metadata": encode({ key: "tus/sum" }) });
    const sum = (algorithm: string, text: string) =>
      `${algorithm} ${createHash(algorithm).update(text).digest("base64")}`;
    expect((await patch(url, 0, "abc", { "upload-checksum": sum("sha1", "other") })).status).toBe(460);
    expect((await tus(url, "HEAD")).headers["upload-offset"]).toBe("0");
    expect((await patch(url, 0, "abc", { "upload-checksum": "crc32 AAAA" })).status).toBe(400);
    expect((await patch(url, 0, "abc", { "upload-checksum": sum("sha256", "abc") })).status).toBe(204);
    expect((await read("tus/sum")).toString()).toBe("abc");
  });

  test("a terminated upload is gone, and its bytes are no object", async () => {
    const { url } = await create(
      { "upload-length": 3, "upload-metadata": encode({ key: "tus/ended" }) },
      "ab",
      endpoint(),
    );
    expect((await tus(url, "DELETE")).status).toBe(204);
    for (const method of ["HEAD", "DELETE"]) expect((await tus(url, method)).status).toBe(404);
    expect((await metadataOf("tus/ended")).exists).toBe(false);
  });

  test("wrong offsets, types, versions, lengths and metadata are refused, and so are strangers", async () => {
    const { url } = await create({ "upload-length": 3, "upload-metadata": metadata });
    expect((await patch(url, 1, "abc")).status).toBe(409);
    expect((await tus(url, "PATCH", { "content-type": PIECE }, "abc")).status).toBe(400);
    expect((await tus(url, "PATCH", { "upload-offset": 0, "content-type": "text/plain" }, "abc")).status).toBe(415);
    expect((await patch(url, 0, "abcd")).status).toBe(413);
    const chunked = { "content-type": PIECE, "upload-offset": 0, "transfer-encoding": "chunked" };
    expect(
      (await send(url, { method: "PATCH", headers: { "tus-resumable": "1.0.0", ...chunked }, body: "abcd" })).status,
    ).toBe(413);
    const old = await send(url, { method: "HEAD", headers: { "tus-resumable": "0.2.0" } });
    expect(old).toMatchObject({ status: 412, headers: { "tus-version": "1.0.0" } });
    expect((await tus(url, "GET")).status).toBe(405);
    const bad: Record<string, string | number>[] = [
      { "upload-metadata": metadata },
      { "upload-length": "x", "upload-metadata": metadata },
      { "upload-length": 1, "upload-metadata": "" },
      { "upload-length": 1, "upload-metadata": "key !!!" },
      { "upload-length": 1, "upload-metadata": encode({ key: "../up" }) },
      { "upload-defer-length": 1, "upload-metadata": metadata },
    ];
    for (const headers of bad) expect([headers, (await create(headers)).status]).toEqual([headers, 400]);
    expect((await create({ "upload-length": 6 * 1024 ** 4, "upload-metadata": metadata })).status).toBe(413);
    expect((await create({ "upload-length": 1, "upload-metadata": metadata, "x-aerostack-key": "sk_no" })).status).toBe(
      401,
    );
    const elsewhere = [
      url.slice(0, -1),
      url.replace(project.slug, "nobody"),
      `${server.url}/tus/x`,
      `${server.url}/tus/${project.slug}.default/../x`,
    ];
    for (const one of elsewhere) expect([one, (await tus(one, "HEAD")).status]).toEqual([one, 404]);
  });
});
