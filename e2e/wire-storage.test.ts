import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { createClient } from "../packages/sdk/src/index.ts";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { EXPIRED_TOKEN } from "./harness/expired-token.ts";
import { startProjectServer } from "./harness/project-server.ts";
import { send } from "./harness/raw-http.ts";
import type { ServerProcess } from "./harness/server-process.ts";

// Storage as the generated SDKs and the function SDK call it: a secret key, JSON in and out, uploads by form.

const MEBIBYTE = 1024 * 1024;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let other: { project: Project; key: string };
let key: string;

beforeAll(async () => {
  ({ server, developer, project, secret: key } = await startProjectServer("Wire Storage"));
  const stranger = await createDeveloper(server);
  const theirs = await stranger.createProject("Other Storage");
  other = { project: theirs, key: (await stranger.createKey(theirs)).secret };
});
afterAll(async () => {
  await server?.dispose();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape, asserted as they are found
  readonly body: any;
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : text };
}

async function call(operation: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return await answerOf(
    await fetch(`${server.url}/v1/storage/${operation}`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-aerostack-key": key, ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    }),
  );
}

type Field = readonly [name: string, value: string | Blob];

async function uploadForm(fields: readonly Field[], secret = key): Promise<Answer> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  const response = await fetch(`${server.url}/v1/storage/upload`, {
    method: "POST",
    headers: { "x-aerostack-key": secret },
    body: form,
  });
  return await answerOf(response);
}

const upload = (name: string, content: string | Buffer<ArrayBuffer>, more: readonly Field[] = []): Promise<Answer> =>
  uploadForm([["key", name], ...more, ["file", new Blob([content], { type: "text/plain" })]]);

describe("storage on the wire", () => {
  it("W2.1-20 storageUpload answers the URL at which anybody reads the file", async () => {
    const answer = await upload("docs/a b ü.txt", "hello");
    expect(answer).toMatchObject({ status: 200, body: { url: expect.any(String) } });
    expect(Object.keys(answer.body)).toEqual(["url"]);
    expect(answer.body.url).toBe(`${server.url}/storage/${project.slug}/docs/a%20b%20%C3%BC.txt`);
    const read = await answerOf(await fetch(answer.body.url));
    expect(read).toMatchObject({ status: 200, text: "hello" });
    expect(read.headers.get("content-type")).toBe("text/plain");
    expect(read.headers.get("etag")).toBe(`"${createHash("md5").update("hello").digest("hex")}"`);
  });

  it("W2.1-20 storageUpload takes fields in any order, and the content type from where it is said", async () => {
    const file = new Blob(["late"], { type: "text/css" });
    expect(
      (
        await uploadForm([
          ["file", file],
          ["key", "late.txt"],
        ])
      ).status,
    ).toBe(200);
    expect(
      (
        await uploadForm([
          ["file", file],
          ["contentType", "text/csv"],
          ["key", "later.txt"],
        ])
      ).status,
    ).toBe(200);
    expect(
      (
        await uploadForm([
          ["key", "last.txt"],
          ["file", file],
          ["contentType", "text/csv"],
        ])
      ).status,
    ).toBe(200);
    const types = await Promise.all(
      ["late.txt", "later.txt", "last.txt"].map(async (name) => (await call("getMetadata", { key: name })).body),
    );
    expect(types.map((type) => type.contentType)).toEqual(["text/css", "text/csv", "text/csv"]);
    expect((await call("get", { key: "late.txt" })).text).toBe("late");
  });

  it("W2.1-20 storageUpload refuses what is no form with 415, and forms that lack something with 400", async () => {
    expect(await call("upload", { key: "a" })).toMatchObject({
      status: 415,
      body: { code: "UNSUPPORTED_MEDIA_TYPE", message: expect.any(String) },
    });
    const noFile = await uploadForm([["key", "a"]]);
    expect(noFile).toMatchObject({
      status: 400,
      body: { code: "VALIDATION_ERROR", details: { fieldErrors: { file: [expect.any(String)] } } },
    });
    expect(Object.keys(noFile.body).sort()).toEqual(["code", "details", "message"]);
    expect(await uploadForm([["file", new Blob(["x"])]])).toMatchObject({
      status: 400,
      body: { code: "VALIDATION_ERROR", details: { fieldErrors: { key: [expect.any(String)] } } },
    });
  });

  it("W2.1-20 storageUpload takes 100 MB and not one byte more", async () => {
    const limit = 100 * MEBIBYTE;
    const content = Buffer.alloc(limit, "x");
    expect((await upload("big/limit", content)).status).toBe(200);
    expect((await call("getMetadata", { key: "big/limit" })).body.size).toBe(limit);
    for (const order of ["before", "after"]) {
      const file: Field = ["file", new Blob([content, "y"])];
      const named: Field = ["key", "big/over"];
      const answer = await uploadForm(order === "before" ? [named, file] : [file, named]);
      expect(answer).toMatchObject({ status: 413, body: { code: "STORAGE_FILE_TOO_LARGE" } });
    }
    expect((await call("exists", { key: "big/over" })).body).toEqual({ exists: false });
    await call("delete", { key: "big/limit" });
  });

  it("W2.1-20 storageUpload that breaks off leaves nothing", async () => {
    const boundary = "xxx";
    const start = `--${boundary}\r\ncontent-disposition: form-data; name="key"\r\n\r\ncut.txt\r\n--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\nhalf of it`;
    const whole = await send(`${server.url}/v1/storage/upload`, {
      method: "POST",
      headers: {
        "content-type": `multipart/form-data; boundary=${boundary}`,
        "x-aerostack-key": key,
        "content-length": Buffer.byteLength(start),
      },
      body: start,
    });
    expect(whole.status).toBe(400);
    expect((await call("exists", { key: "cut.txt" })).body).toEqual({ exists: false });
  });

  it("W2.1-21 storageGet answers the bytes with their content type, and 404 for none", async () => {
    const content = randomBytes(300_000);
    await uploadForm([
      ["key", "bytes.bin"],
      ["contentType", "image/png"],
      ["file", new Blob([content])],
    ]);
    const response = await fetch(`${server.url}/v1/storage/get`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-aerostack-key": key },
      body: JSON.stringify({ key: "bytes.bin" }),
    });
    expect(response.headers.get("content-type")).toBe("image/png");
    expect(response.headers.get("content-length")).toBe("300000");
    expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
    const none = await call("get", { key: "nowhere" });
    expect(none).toMatchObject({
      status: 404,
      body: { code: "VALIDATION_ERROR", message: expect.any(String), details: { code: "NOT_FOUND" } },
    });
  });

  it("W2.1-21 storageGet heeds ranges and conditions", async () => {
    await upload("range.txt", "0123456789");
    const { headers } = await call("get", { key: "range.txt" });
    const etag = headers.get("etag") ?? "";
    const modified = headers.get("last-modified") ?? "";
    const get = (more: Record<string, string>) => call("get", { key: "range.txt" }, more);
    const part = await get({ range: "bytes=2-4" });
    expect(part).toMatchObject({ status: 206, text: "234" });
    expect(part.headers.get("content-range")).toBe("bytes 2-4/10");
    expect(await get({ range: "bytes=-3" })).toMatchObject({ status: 206, text: "789" });
    expect(await get({ range: "bytes=7-" })).toMatchObject({ status: 206, text: "789" });
    const beyond = await get({ range: "bytes=10-" });
    expect(beyond.status).toBe(416);
    expect(beyond.headers.get("content-range")).toBe("bytes */10");
    expect(await get({ range: "bytes=0-1", "if-range": etag })).toMatchObject({ status: 206, text: "01" });
    expect(await get({ range: "bytes=0-1", "if-range": '"other"' })).toMatchObject({ status: 200, text: "0123456789" });
    expect(await get({ range: "lines=0-1" })).toMatchObject({ status: 200, text: "0123456789" });
    const same = await get({ "if-none-match": etag });
    expect(same).toMatchObject({ status: 304, text: "" });
    expect(same.headers.get("etag")).toBe(etag);
    expect((await get({ "if-none-match": `"x", W/${etag}` })).status).toBe(304);
    expect((await get({ "if-modified-since": modified })).status).toBe(304);
    expect((await get({ "if-modified-since": modified, "if-none-match": '"x"' })).status).toBe(200);
    expect((await get({ "if-match": '"x"' })).status).toBe(412);
    expect((await get({ "if-match": "*" })).status).toBe(200);
    expect((await get({ "if-unmodified-since": "Thu, 01 Jan 1970 00:00:00 GMT" })).status).toBe(412);
  });

  it("W2.1-22 storageGetUrl answers a lasting URL for a public object, and a signed one for a private one", async () => {
    await upload("open.txt", "open");
    await upload("closed.txt", "closed", [["public", "false"]]);
    const open = (await call("getUrl", { key: "open.txt" })).body.url;
    expect(open).toBe(`${server.url}/storage/${project.slug}/open.txt`);
    const closed = (await call("getUrl", { key: "closed.txt", expiresIn: 60 })).body.url;
    expect(await answerOf(await fetch(closed))).toMatchObject({ status: 200, text: "closed" });
    const bare = closed.split("?")[0];
    expect((await fetch(bare)).status).toBe(404);
    const answers = await Promise.all([bare, `${bare}.missing`].map(async (url) => answerOf(await fetch(url))));
    const [hidden, missing] = answers.map(({ status, body: { error } }) => ({ status, ...error, requestId: "" }));
    expect(hidden).toEqual(missing);
  });

  it("W2.1-23 storageList pages by prefix, and says in each spelling whether there is more", async () => {
    for (const name of ["list/a", "list/b", "list/c", "liszt"]) await upload(name, name);
    const first = (await call("list", { prefix: "list/", limit: 2 })).body;
    expect(first).toEqual({
      objects: [expect.anything(), expect.anything()],
      truncated: true,
      list_complete: false,
      cursor: expect.any(String),
    });
    expect(first.objects[0]).toEqual({
      key: "list/a",
      size: 6,
      lastModified: expect.stringMatching(ISO),
      uploaded: first.objects[0].lastModified,
      contentType: "text/plain",
      etag: createHash("md5").update("list/a").digest("hex"),
      public: true,
    });
    const rest = (await call("list", { prefix: "list/", cursor: first.cursor })).body;
    expect(rest.objects.map((object: { key: string }) => object.key)).toEqual(["list/c"]);
    expect(rest).toMatchObject({ truncated: false, list_complete: true });
    expect(rest).not.toHaveProperty("cursor");
    expect((await call("list", { limit: 1001 })).status).toBe(400);
    expect((await call("list", {})).status).toBe(200);
    expect((await call("list", "")).status).toBe(200);
  });

  it("W2.1-24 storageDelete is done once and again", async () => {
    await upload("gone.txt", "x");
    expect(await call("delete", { key: "gone.txt" })).toMatchObject({ status: 200, body: { success: true } });
    expect((await call("exists", { key: "gone.txt" })).body).toEqual({ exists: false });
    expect(await call("delete", { key: "gone.txt" })).toMatchObject({ status: 200, body: { success: true } });
  });

  it("W2.1-25 storageExists tells what is there", async () => {
    await upload("here.txt", "x");
    expect((await call("exists", { key: "here.txt" })).body).toEqual({ exists: true });
    expect((await call("exists", { key: "here" })).body).toEqual({ exists: false });
  });

  it("W2.1-26 storageGetMetadata tells size, type, time and etag, or that there is none", async () => {
    await upload("meta.txt", "meta");
    expect((await call("getMetadata", { key: "meta.txt" })).body).toEqual({
      exists: true,
      size: 4,
      contentType: "text/plain",
      lastModified: expect.stringMatching(ISO),
      etag: createHash("md5").update("meta").digest("hex"),
      public: true,
      metadata: {},
    });
    expect(await call("getMetadata", { key: "nowhere" })).toMatchObject({ status: 200, body: { exists: false } });
  });

  it("W2.1-27 storageCopy makes a second object with the same bytes and type", async () => {
    await upload("copy/from.txt", "copied");
    const answer = await call("copy", { sourceKey: "copy/from.txt", destKey: "copy/to.txt" });
    expect(answer).toMatchObject({ status: 200, body: { success: true, url: expect.stringContaining("copy/to.txt") } });
    expect(await answerOf(await fetch(answer.body.url))).toMatchObject({ status: 200, text: "copied" });
    expect((await call("exists", { key: "copy/from.txt" })).body).toEqual({ exists: true });
    expect((await call("copy", { sourceKey: "nowhere", destKey: "x" })).status).toBe(404);
  });

  it("W2.1-28 storageMove leaves nothing at the old key, and onto itself changes nothing", async () => {
    await upload("move/from.txt", "moved");
    const answer = await call("move", { sourceKey: "move/from.txt", destKey: "move/to.txt" });
    expect(answer).toMatchObject({ status: 200, body: { success: true, url: expect.stringContaining("move/to.txt") } });
    expect((await call("exists", { key: "move/from.txt" })).body).toEqual({ exists: false });
    expect((await call("get", { key: "move/to.txt" })).text).toBe("moved");
    await call("move", { sourceKey: "move/to.txt", destKey: "move/to.txt" });
    expect((await call("get", { key: "move/to.txt" })).text).toBe("moved");
    expect((await call("move", { sourceKey: "nowhere", destKey: "x" })).status).toBe(404);
  });

  it("every operation needs a secret key: 403 for a public one, 401 for none", async () => {
    const publicKey = (await developer.createKey(project, "public")).secret;
    for (const operation of ["get", "getUrl", "signUrl", "list", "delete", "exists", "getMetadata", "upload"]) {
      expect((await call(operation, { key: "a" }, { "x-aerostack-key": publicKey })).status).toBe(403);
      expect((await call(operation, { key: "a" }, { "x-aerostack-key": "sk_none" })).status).toBe(401);
    }
  });

  it("keys that are paths of somebody else's, no text, or too long are refused everywhere", async () => {
    const hostile = ["../x", "a/../b", "..", "/abs", "a\0b", "x".repeat(1025), "ü".repeat(513), "\ud800", "./a"];
    for (const bad of hostile) {
      for (const operation of ["get", "getUrl", "delete", "exists", "getMetadata", "signUrl"]) {
        const answer = await call(operation, { key: bad });
        expect([operation, bad, answer.status]).toEqual([operation, bad, 400]);
      }
      expect((await call("copy", { sourceKey: "meta.txt", destKey: bad })).status).toBe(400);
      expect((await call("move", { sourceKey: bad, destKey: "x" })).status).toBe(400);
      if (!bad.includes("\0")) expect((await upload(bad, "x")).status).toBe(400);
    }
    const allowed = ["a..b", "...", "a b", "x".repeat(1024), "emoji/😀", "a//b", "q?x=1#y", "100%"];
    for (const good of allowed) {
      expect([good, (await upload(good, good)).status]).toEqual([good, 200]);
      const { url } = (await call("getUrl", { key: good })).body;
      expect([good, await (await fetch(url)).text()]).toEqual([good, good]);
    }
  });

  it("what another project stores cannot be told from what does not exist", async () => {
    await uploadForm(
      [
        ["key", "theirs.txt"],
        ["public", "false"],
        ["file", new Blob(["secret"])],
      ],
      other.key,
    );
    expect((await call("exists", { key: "theirs.txt" })).body).toEqual({ exists: false });
    expect((await call("get", { key: "theirs.txt" })).status).toBe(404);
    expect((await fetch(`${server.url}/storage/${other.project.slug}/theirs.txt`)).status).toBe(404);
  });

  it("a function's env.STORAGE and the API hold the same objects under the same keys", async () => {
    const worker = `export default { async fetch(request, env) {
      await env.STORAGE.put("from/function.txt", "by function", { httpMetadata: { contentType: "text/plain" } });
      return new Response(await (await env.STORAGE.get("from/api.txt")).text());
    } }`;
    await upload("from/api.txt", "by api");
    await developer.deploy(project, { name: "keeper", worker, isPublic: true });
    const answer = await fetch(developer.functionUrl(project, "keeper"));
    expect(await answer.text()).toBe("by api");
    expect((await call("get", { key: "from/function.txt" })).text).toBe("by function");
    expect((await call("getMetadata", { key: "from/function.txt" })).body.public).toBe(false);
  });

  it("update changes what is known of an object, and leaves its bytes", async () => {
    await upload("update.txt", "same bytes");
    const answer = await call("update", { key: "update.txt", public: false, metadata: { by: "test" } });
    expect(answer.body.url).toContain("signature=");
    expect((await fetch(`${server.url}/storage/${project.slug}/update.txt`)).status).toBe(404);
    expect((await call("getMetadata", { key: "update.txt" })).body).toMatchObject({
      public: false,
      contentType: "text/plain",
      metadata: { by: "test" },
    });
    expect((await call("update", { key: "nowhere", public: true })).status).toBe(404);
  });
});

test("the client in TypeScript stores, lists, copies and signs", async () => {
  const { storage } = createClient({ url: server.url, apiKey: key });
  const url = await storage.upload("client/a.txt", "by client", { contentType: "text/plain" });
  expect(await (await fetch(url)).text()).toBe("by client");
  await storage.upload("client/hidden.txt", "hidden", { public: false });
  expect(await storage.metadata("client/hidden.txt")).toMatchObject({ size: 6 });
  const signed = await storage.signUrl("client/hidden.txt", { expiresIn: 60 });
  expect(await (await fetch(signed.url)).text()).toBe("hidden");
  await storage.copy("client/a.txt", "client/b.txt");
  expect((await storage.list({ prefix: "client/" })).objects.map((object) => object.key)).toEqual([
    "client/a.txt",
    "client/b.txt",
    "client/hidden.txt",
  ]);
  await storage.delete("client/b.txt");
  expect(await storage.exists("client/b.txt")).toBe(false);
});

describe("uploads of a project's users", () => {
  const register = async (email: string): Promise<string> => {
    const answer = await fetch(`${server.url}/api/v1/public/projects/${project.slug}/auth/register`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ email, password: "Correct-Horse-7" }),
    });
    return ((await answer.json()) as { token: string }).token;
  };
  const send = async (token: string | null, fields: readonly Field[], ref = project.slug): Promise<Answer> => {
    const form = new FormData();
    for (const [name, value] of fields) form.append(name, value);
    return await answerOf(
      await fetch(`${server.url}/api/v1/projects/${ref}/storage/upload`, {
        method: "POST",
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
        body: form,
      }),
    );
  };

  it("W2.19-end-user-upload stores a file of the user's own and tells where it is", async () => {
    const token = await register("uploader@example.com");
    const file: Field = ["file", new Blob(["mine"], { type: "text/plain" })];
    const answer = await send(token, [["path", "notes/a.txt"], file]);
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).toEqual({
      url: `${server.url}/storage/${project.slug}/projects/${project.slug}/notes/a.txt`,
      key: `projects/${project.slug}/notes/a.txt`,
      size: 4,
      contentType: "text/plain",
      createdAt: expect.stringMatching(ISO),
    });
    expect(await (await fetch(answer.body.url)).text()).toBe("mine");
    expect((await call("get", { key: answer.body.key })).text).toBe("mine");
    expect((await send(token, [file, ["path", "notes/a.txt"]])).status).toBe(200);
  });

  it("W2.19-end-user-upload gives a path where none is sent, and a signed URL where the file is not public", async () => {
    const token = await register("private@example.com");
    const answer = await send(token, [
      ["public", "false"],
      ["file", new File(["mine"], "scan.PDF", { type: "application/pdf" })],
    ]);
    expect(answer.body.key).toMatch(new RegExp(`^projects/${project.slug}/[0-9a-f-]{36}\\.PDF$`));
    expect((await fetch(answer.body.url.split("?")[0])).status).toBe(404);
    expect(await (await fetch(answer.body.url)).text()).toBe("mine");
  });

  it("W2.19-end-user-upload refuses strangers, missing files, and the places of others", async () => {
    const [one, two] = await Promise.all(["one@example.com", "two@example.com"].map(register));
    const file: Field = ["file", new Blob(["x"])];
    for (const [token, ref] of [
      [null, project.slug],
      ["nonsense", project.slug],
      [one ?? "", other.project.slug],
      [one ?? "", "nowhere"],
    ] as const) {
      expect(await send(token, [file], ref)).toMatchObject({ status: 401, body: { error: { code: "UNAUTHORIZED" } } });
    }
    for (const ref of [project.slug, "nowhere"]) {
      expect(await send(EXPIRED_TOKEN, [file], ref)).toMatchObject({
        status: 401,
        body: { error: { code: "UNAUTHORIZED", details: { code: "AUTH_TOKEN_EXPIRED" } } },
      });
    }
    expect(await send(one ?? "", [["path", "p"]])).toMatchObject({
      status: 400,
      body: { error: { code: "MISSING_FILE" } },
    });
    expect((await send(one ?? "", [["path", "taken"], file])).status).toBe(200);
    for (const fields of [
      [["path", "taken"], file],
      [file, ["path", "taken"]],
    ] as Field[][]) {
      expect((await send(two ?? "", fields)).status).toBe(409);
    }
    for (const path of ["../../up", "/abs", "a/../../b"]) {
      expect((await send(one ?? "", [["path", path], file])).status).toBe(400);
    }
    expect((await call("exists", { key: "up" })).body).toEqual({ exists: false });
  });
});
