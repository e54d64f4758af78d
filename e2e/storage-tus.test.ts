import { createHash, randomBytes } from "node:crypto";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { Upload, type UploadOptions } from "tus-js-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Developer, Project } from "./harness/developer.ts";
import { startProjectServer } from "./harness/project-server.ts";
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
  ({ server, developer, project, secret: key } = await startProjectServer("Tus", { port }));
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

function upload(content: Buffer | Readable, options: Partial<UploadOptions>): { upload: Upload; done: Promise<void> } {
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

describe("tus-js-client, further", () => {
  test("uploads what has no known length, in pieces, to the last byte", async () => {
    const content = randomBytes(5 * MIB + 7);
    const source = Readable.from([content.subarray(0, 3 * MIB), content.subarray(3 * MIB)]);
    const options = {
      metadata: { key: "tus/stream", contentType: "a/b" },
      uploadLengthDeferred: true,
      chunkSize: 2 * MIB,
    };
    await upload(source, options).done;
    expect((await read("tus/stream")).equals(content)).toBe(true);
    expect(await metadataOf("tus/stream")).toMatchObject({ size: content.length, contentType: "a/b" });
  });

  test("uploads in parallel, with a key and with a signed URL", async () => {
    const content = randomBytes(9 * MIB + 1);
    await upload(content, { parallelUploads: 3, metadata: { key: "tus/parallel", public: "true" } }).done;
    expect((await read("tus/parallel")).equals(content)).toBe(true);
    expect(await metadataOf("tus/parallel")).toMatchObject({ size: content.length, public: true });
    const signed = await api("signUrl", { key: "tus/parallel-signed", method: "PUT", maxBytes: content.length });
    const { url } = (await signed.json()) as { url: string };
    await upload(content, { endpoint: url, headers: {}, parallelUploads: 2, retryDelays: [] }).done;
    expect((await read("tus/parallel-signed")).equals(content)).toBe(true);
  });
});

describe("a length that comes later", () => {
  const begin = (name: string) => create({ "upload-defer-length": 1, "upload-metadata": encode({ key: name }) });

  test("is told once, and the object is there with its last byte and not before", async () => {
    const { url, status } = await begin("tus/later");
    expect(status).toBe(201);
    expect((await patch(url, 0, "abc")).headers["upload-offset"]).toBe("3");
    const head = await tus(url, "HEAD");
    expect([head.headers["upload-defer-length"], head.headers["upload-length"]]).toEqual(["1", undefined]);
    expect((await metadataOf("tus/later")).exists).toBe(false);
    expect((await patch(url, 3, "", { "upload-length": "2" })).status).toBe(400);
    expect((await patch(url, 3, "d", { "upload-length": "5" })).headers["upload-offset"]).toBe("4");
    expect((await tus(url, "HEAD")).headers).toMatchObject({ "upload-length": "5" });
    expect((await tus(url, "HEAD")).headers["upload-defer-length"]).toBeUndefined();
    expect((await patch(url, 4, "e", { "upload-length": "6" })).status).toBe(400);
    expect((await patch(url, 4, "ef")).status).toBe(413);
    expect((await patch(url, 4, "e", { "upload-length": "5" })).headers["upload-offset"]).toBe("5");
    expect((await read("tus/later")).toString()).toBe("abcde");
  });

  test("may end an upload without a further byte", async () => {
    const { url } = await begin("tus/later-empty");
    await patch(url, 0, "all");
    expect((await patch(url, 3, "", { "upload-length": "3" })).status).toBe(204);
    expect((await read("tus/later-empty")).toString()).toBe("all");
  });

  test("is held to what a signed URL allows", async () => {
    const signed = await api("signUrl", { key: "tus/later-signed", method: "PUT", maxBytes: 4 });
    const endpointUrl = ((await signed.json()) as { url: string }).url;
    const { url } = await create({ "upload-defer-length": 1 }, undefined, endpointUrl);
    expect((await patch(url, 0, "12345")).status).toBe(413);
    expect((await patch(url, 0, "1234", { "upload-length": "5" })).status).toBe(413);
    expect((await patch(url, 0, "1234")).headers["upload-offset"]).toBe("4");
    expect((await patch(url, 4, "", { "upload-length": "4" })).status).toBe(204);
    expect((await read("tus/later-signed")).toString()).toBe("1234");
  });
});

describe("concatenation", () => {
  const part = async (text: string, headers: Record<string, string> = {}, endpointUrl = endpoint()) => {
    const made = await create(
      { "upload-length": text.length, "upload-concat": "partial", ...headers },
      undefined,
      endpointUrl,
    );
    expect((await patch(made.url, 0, text)).status).toBe(204);
    return made.url;
  };
  const join = (
    urls: readonly string[],
    name: string,
    headers: Record<string, string> = {},
    endpointUrl = endpoint(),
  ) =>
    create(
      { "upload-concat": `final;${urls.join(" ")}`, "upload-metadata": encode({ key: name }), ...headers },
      undefined,
      endpointUrl,
    );

  test("makes one object of parts in the order that is asked for, tells it, and answers the same when asked again", async () => {
    const [one, two] = [await part("one "), await part("two")];
    expect((await tus(one, "HEAD")).headers).toMatchObject({ "upload-concat": "partial", "upload-offset": "4" });
    expect((await metadataOf("tus/joined")).exists).toBe(false);
    const urls = [new URL(two).pathname, one];
    const made = await join(urls, "tus/joined");
    expect(made.status).toBe(201);
    expect((await read("tus/joined")).toString()).toBe("twoone ");
    const head = await tus(made.url, "HEAD");
    expect(head.headers).toMatchObject({
      "upload-concat": `final;${urls.join(" ")}`,
      "upload-length": "7",
      "upload-offset": "7",
    });
    expect((await join(urls, "tus/joined")).url).toBe(made.url);
    expect((await patch(made.url, 7, "")).status).toBe(403);
    for (const gone of [one, two]) expect((await tus(gone, "HEAD")).status).toBe(404);
  });

  test("takes no part that is unfinished, named twice, no part, of another bucket, project or signed URL", async () => {
    const whole = await part("whole");
    const open = (await create({ "upload-length": 5, "upload-concat": "partial" })).url;
    const plain = (await create({ "upload-length": 5, "upload-metadata": encode({ key: "tus/plain" }) })).url;
    const other = await developer.createProject("Tus of others");
    const stranger = { "x-aerostack-key": (await developer.createKey(other)).secret };
    const theirs = await part("their", stranger);
    const sign = async (name: string) =>
      ((await (await api("signUrl", { key: name, method: "PUT", maxBytes: 5 })).json()) as { url: string }).url;
    const signed = await part("sign!", {}, await sign("tus/signed-part"));
    const missing = `${whole.slice(0, -4)}AAAA`;
    const cases: [string, string[], number][] = [
      ["unfinished", [whole, open], 409],
      ["twice", [whole, whole], 400],
      ["no part", [whole, plain], 404],
      ["of another project", [whole, theirs], 404],
      [
        "of another project, by the name of this one",
        [whole, theirs.replace(/\/tus\/[^.]+\./, `/tus/${project.slug}.`)],
        404,
      ],
      ["of a signed URL", [whole, signed], 404],
      ["missing", [whole, missing], 404],
      ["no address", [whole, "nothing"], 404],
      ["too many", Array.from({ length: 101 }, (_, index) => `/tus/${index}`), 400],
    ];
    for (const [name, urls, status] of cases) {
      expect([name, (await join(urls, "tus/never")).status]).toEqual([name, status]);
    }
    expect((await join([whole], "tus/never", { "upload-length": "5" })).status).toBe(400);
    expect((await join([whole], "../never")).status).toBe(400);
    expect((await join([theirs], "tus/never", { "x-aerostack-key": "" })).status).toBe(401);
    expect((await join([whole], "tus/never", {}, await sign("tus/never"))).status).toBe(404);
    expect((await metadataOf("tus/never")).exists).toBe(false);
    // Together they are more than the URL allows.
    const url = await sign("tus/signed-sum");
    const pieces = [await part("123", {}, url), await part("456", {}, url)];
    expect((await join(pieces, "x", {}, url)).status).toBe(413);
    expect((await metadataOf("tus/signed-sum")).exists).toBe(false);
    expect((await tus(whole, "HEAD")).headers["upload-offset"]).toBe("5");
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
        "tus-extension":
          "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination,concatenation",
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
      { "upload-defer-length": 2, "upload-metadata": metadata },
      { "upload-defer-length": 1, "upload-length": 1, "upload-metadata": metadata },
      { "upload-length": 1, "upload-metadata": metadata, "upload-concat": "all" },
      { "upload-metadata": metadata, "upload-concat": "final;" },
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
