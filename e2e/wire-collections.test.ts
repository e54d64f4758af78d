import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createClient } from "../packages/sdk/src/index.ts";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { EXPIRED_TOKEN } from "./harness/expired-token.ts";
import { send } from "./harness/raw-http.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// The database and collections as existing clients call them: exact status, shape and headers.

const PASSWORD = "Correct-Horse-7";
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let secretKey: string;
let publicKey: string;
let stranger: { readonly project: Project; readonly secretKey: string; readonly publicKey: string };
let alice: { readonly token: string; readonly id: string };
let bob: { readonly token: string; readonly id: string };

interface Answer {
  readonly status: number;
  readonly headers: Awaited<ReturnType<typeof send>>["headers"];
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape, asserted as they are found
  readonly body: any;
}

async function call(method: string, path: string, headers: Record<string, string>, body?: unknown): Promise<Answer> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await send(`${server.url}${path}`, {
    method,
    headers: {
      ...(text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
  });
  return { status: answer.status, headers: answer.headers, body: JSON.parse(answer.body) };
}

/** As the SDK's client sends every call. */
const sdkHeaders = (key: string) => ({
  "x-aerostack-key": key,
  "x-project-id": project.slug,
  "x-request-id": "0b9c1f0e-6f0f-4f3e-9d6e-8a4f3b1c2d3e",
  "x-aerostack-function": "api_call",
});
const asUser = (token: string) => ({ "x-project-id": project.slug, authorization: `Bearer ${token}` });

async function signUp(email: string): Promise<{ token: string; id: string }> {
  const path = `/api/v1/public/projects/${project.slug}/auth/register`;
  const { body } = await call("POST", path, {}, { email, password: PASSWORD });
  return { token: body.token, id: body.user.id };
}

async function define(name: string, definition: object, owner = project): Promise<void> {
  await developer.call("PUT", `/api/v1/projects/${owner.id}/collections/${name}`, definition);
}

const TODO_SCHEMA = {
  type: "object",
  required: ["title"],
  properties: {
    title: { type: "string", minLength: 1 },
    done: { type: "boolean", default: false },
    priority: { type: "integer" },
    email: { type: "string", format: "email" },
  },
};

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("Wire Collections");
  secretKey = (await developer.createKey(project, "secret")).secret;
  publicKey = (await developer.createKey(project, "public")).secret;
  const other = await createDeveloper(server);
  const otherProject = await other.createProject("Other Collections");
  stranger = {
    project: otherProject,
    secretKey: (await other.createKey(otherProject, "secret")).secret,
    publicKey: (await other.createKey(otherProject, "public")).secret,
  };
  alice = await signUp("alice@example.com");
  bob = await signUp("bob@example.com");
  const rules = { list: "owner", get: "owner", create: "signed-in", update: "owner", delete: "owner" };
  await define("todos", { schema: TODO_SCHEMA, rules, indexes: [{ fields: ["email"], unique: true }] });
  await define("pages", { schema: TODO_SCHEMA, rules: { list: "row.done", get: "row.done" } });
  await define("secrets", { schema: TODO_SCHEMA });
});
afterAll(async () => {
  await server?.dispose();
});

describe("W2.1-1 POST /v1/db/query", () => {
  it("W2.1-1 answers rows as objects and their number", async () => {
    const create = { sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT, data BLOB)" };
    await developer.call("POST", `/api/v1/projects/${project.id}/db/query`, create);
    const insert = { sql: "INSERT INTO notes (text, data) VALUES (?, x'0102') RETURNING id", params: ["a"] };
    const written = await call("POST", "/v1/db/query", sdkHeaders(secretKey), insert);
    expect(written).toMatchObject({ status: 200, body: { results: [{ id: 1 }], count: 1 } });
    const read = await call("POST", "/v1/db/query", sdkHeaders(secretKey), {
      sql: "SELECT text, data, ? AS flag, ? AS empty FROM notes",
      params: [true, null],
    });
    expect(read.body).toEqual({ results: [{ text: "a", data: [1, 2], flag: 1, empty: null }], count: 1 });
    expect(read.headers["content-type"]).toBe("application/json; charset=utf-8");
    expect(read.headers["x-request-id"]).toBe("0b9c1f0e-6f0f-4f3e-9d6e-8a4f3b1c2d3e");
  });

  it.each<[string, (key: string) => Record<string, string>, string]>([
    ["X-Aerostack-Key", (key) => ({ "x-aerostack-key": key }), ""],
    ["X-API-Key", (key) => ({ "x-api-key": key }), ""],
    ["both, as Flutter", (key) => ({ "x-aerostack-key": key, "x-api-key": key }), ""],
    ["Authorization", (key) => ({ authorization: `Bearer ${key}` }), ""],
    ["a lower-case scheme", (key) => ({ authorization: `bearer ${key}` }), ""],
    ["with X-SDK-Version", (key) => ({ "x-aerostack-key": key, "x-sdk-version": "1.5.0", "X-Request-ID": "7" }), ""],
    [
      "with another project's id, which the key overrules",
      (key) => ({ "x-aerostack-key": key, "x-project-id": "no" }),
      "",
    ],
    ["with a user agent and an origin", (key) => ({ "x-aerostack-key": key, origin: "null", "user-agent": "x" }), ""],
    ["?apiKey=", () => ({}), "?apiKey="],
  ])("W2.1-1 takes the key in %s", async (_, headers, query) => {
    const path = `/v1/db/query${query === "" ? "" : query + secretKey}`;
    const answer = await call("POST", path, headers(secretKey), { sql: "SELECT 1 AS one" });
    expect(answer).toMatchObject({ status: 200, body: { results: [{ one: 1 }], count: 1 } });
  });

  it("W2.1-1 takes an account key with X-Project-Id, by id or slug", async () => {
    for (const ref of [project.id, project.slug]) {
      const headers = { "x-api-key": developer.accountKey, "x-project-id": ref };
      expect((await call("POST", "/v1/db/query", headers, { sql: "SELECT 1" })).status).toBe(200);
    }
    const elsewhere = { "x-api-key": developer.accountKey, "x-project-id": stranger.project.slug };
    expect((await call("POST", "/v1/db/query", elsewhere, { sql: "SELECT 1" })).status).toBe(404);
  });

  it.each([
    ["CREATE TABLE x (a)"],
    ["/* SELECT */ DROP TABLE notes"],
    ["ALTER TABLE notes ADD COLUMN b"],
    ["SELECT 1; CREATE INDEX i ON notes (text)"],
    ["PRAGMA user_version = 7"],
    ["VACUUM"],
  ])("W2.1-1 refuses to change the schema, and says how to: %s", async (sql) => {
    const answer = await call("POST", "/v1/db/query", sdkHeaders(secretKey), { sql });
    expect(answer).toMatchObject({ status: 403, body: { code: "DB_STATEMENT_REFUSED" } });
    expect(answer.body.details.suggestion).toContain("aerostack db migrate");
    expect(Object.keys(answer.body).sort()).toEqual(["code", "details", "message"]);
  });

  it.each<[string, unknown, number, string, string]>([
    ["SQL that fails", { sql: "SELECT * FROM nope" }, 400, "DB_QUERY_FAILED", "no such table: nope"],
    ["no statement", { sql: "" }, 400, "VALIDATION_ERROR", "sql"],
    ["no body", {}, 400, "VALIDATION_ERROR", "sql"],
    ["a parameter that is no value", { sql: "SELECT ?", params: [{ a: 1 }] }, 400, "VALIDATION_ERROR", "params"],
    [
      "too many parameters",
      { sql: "SELECT 1", params: Array.from({ length: 101 }, () => 1) },
      400,
      "VALIDATION_ERROR",
      "params",
    ],
    ["a text that is too long", { sql: `SELECT '${"x".repeat(100_001)}'` }, 400, "VALIDATION_ERROR", "sql"],
  ])("W2.1-1 answers %s with exactly code, message and details", async (_, body, status, code, text) => {
    const answer = await call("POST", "/v1/db/query", sdkHeaders(secretKey), body);
    expect(answer).toMatchObject({ status, body: { code, message: expect.stringContaining(text) } });
    expect(Object.keys(answer.body).sort()).toEqual(["code", "details", "message"]);
  });

  it("W2.1-1 refuses results of too many rows with their limit", async () => {
    const sql = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 60000) SELECT x FROM c";
    const answer = await call("POST", "/v1/db/query", sdkHeaders(secretKey), { sql });
    expect(answer).toMatchObject({
      status: 413,
      body: {
        code: "DB_RESULT_TOO_LARGE",
        message: "The result has more than 50,000 rows.",
        details: { maxRows: 50_000 },
      },
    });
  });

  it("W2.1-1 is closed to public keys, to users and to nobody", async () => {
    const body = { sql: "SELECT 1" };
    expect(await call("POST", "/v1/db/query", sdkHeaders(publicKey), body)).toMatchObject({
      status: 403,
      body: { code: "FORBIDDEN" },
    });
    for (const headers of [
      {},
      { "x-project-id": project.slug },
      asUser(alice.token),
      { "x-aerostack-key": "ac_wrong" },
    ]) {
      const answer = await call("POST", "/v1/db/query", headers, body);
      expect(answer).toMatchObject({ status: 401, body: { code: "AUTH_INVALID_KEY" } });
    }
  });
});

describe("W2.1-2 POST /v1/db/batch", () => {
  it("W2.1-2 runs statements in order and answers each, the failed ones in their place", async () => {
    const queries = [
      { sql: "INSERT INTO notes (text) VALUES (?)", params: ["batch"] },
      { sql: "SELECT * FROM nope" },
      { sql: "SELECT count(*) AS n FROM notes WHERE text = 'batch'" },
      { sql: "DROP TABLE notes" },
    ];
    const answer = await call("POST", "/v1/db/batch", sdkHeaders(secretKey), { queries });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      success: false,
      results: [
        { success: true, results: [] },
        { success: false, error: "no such table: nope" },
        { success: true, results: [{ n: 1 }] },
        { success: false, error: expect.stringContaining("changes the schema") },
      ],
    });
    const good = await call("POST", "/v1/db/batch", sdkHeaders(secretKey), { queries: [{ sql: "SELECT 1 AS a" }] });
    expect(good.body).toEqual({ success: true, results: [{ success: true, results: [{ a: 1 }] }] });
  });

  it.each([
    ["none", 0],
    ["26", 26],
  ])("W2.1-2 takes 1 to 25 statements, not %s", async (_, count) => {
    const queries = Array.from({ length: count }, () => ({ sql: "SELECT 1" }));
    const answer = await call("POST", "/v1/db/batch", sdkHeaders(secretKey), { queries });
    expect(answer).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
  });

  it("W2.1-2 of one project sees nothing of another", async () => {
    const headers = { "x-aerostack-key": stranger.secretKey, "x-project-id": project.id };
    const answer = await call("POST", "/v1/db/batch", headers, { queries: [{ sql: "SELECT * FROM notes" }] });
    expect(answer.body.results).toEqual([{ success: false, error: "no such table: notes" }]);
  });
});

describe("W2.2 collections", () => {
  const items = "/v1/collections/todos/items";

  it("W2.2-create stores an item of its user and answers it", async () => {
    const answer = await call("POST", items, asUser(alice.token), { title: "mine", priority: 3 });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^todos_[0-9a-z]{26}$/),
      owner_id: alice.id,
      created_at: expect.stringMatching(ISO),
      updated_at: answer.body.created_at,
      title: "mine",
      done: false,
      priority: 3,
    });
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
  });

  it("W2.2-create answers what is wrong by field", async () => {
    const answer = await call("POST", items, asUser(alice.token), { done: 1, email: "x", more: true });
    expect(answer.status).toBe(400);
    expect(answer.body.code).toBe("VALIDATION_ERROR");
    expect(answer.body.details.fieldErrors).toEqual({
      title: ["is required"],
      done: ["must be boolean"],
      email: ['must match format "email"'],
      more: ["is not a field of the schema"],
    });
    expect(Object.keys(answer.body).sort()).toEqual(["code", "details", "message"]);
  });

  it("W2.2-create refuses a value that has to be unique a second time", async () => {
    const body = { title: "u", email: "unique@example.com" };
    expect((await call("POST", items, sdkHeaders(secretKey), body)).status).toBe(201);
    const again = await call("POST", items, sdkHeaders(secretKey), body);
    expect(again.status).toBe(409);
    expect(again.body.details).toMatchObject({ code: "CONFLICT", fieldErrors: { email: ["is taken"] } });
  });

  it("W2.2-create with an Idempotency-Key creates one item, whatever is repeated", async () => {
    const body = { title: "once", email: "once@example.com" };
    const post = (key: string, sent: object = body, headers: Record<string, string> = sdkHeaders(secretKey)) =>
      call("POST", items, { ...headers, "idempotency-key": key }, sent);
    const first = await post("order-7");
    expect([first.status, first.headers["idempotency-replayed"]]).toEqual([201, undefined]);
    const repeat = await post("order-7");
    expect(repeat).toMatchObject({ status: 201, body: first.body, headers: { "idempotency-replayed": "true" } });
    const other = await post("order-7", { title: "something else" });
    expect(other).toMatchObject({ status: 422, body: { code: "IDEMPOTENCY_KEY_REUSED" } });
    // Somebody else's key of the same text is another.
    expect(
      (await post("order-7", { title: "hers" }, { ...sdkHeaders(publicKey), authorization: `Bearer ${alice.token}` }))
        .status,
    ).toBe(201);
    for (const key of ["", "x".repeat(256), "caf\u00e9"]) {
      expect(await post(key)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    }
    const { body: found } = await call("GET", `${items}?email=once@example.com&count=true`, sdkHeaders(secretKey));
    expect(found.total).toBe(1);
  });

  it("W2.2-list answers pages of what the caller may see, filtered, sorted and cut to fields", async () => {
    for (const priority of [1, 2, 3, 4, 5]) {
      await call("POST", items, asUser(bob.token), { title: `b${priority}`, priority, done: priority > 3 });
    }
    const first = await call("GET", `${items}?limit=2&sort=-priority&fields=title&count=true`, asUser(bob.token));
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      items: [
        { id: expect.any(String), title: "b5" },
        { id: expect.any(String), title: "b4" },
      ],
      nextCursor: expect.any(String),
      total: 5,
    });
    const cursor = encodeURIComponent(first.body.nextCursor);
    const second = await call("GET", `${items}?limit=5&sort=-priority&cursor=${cursor}`, asUser(bob.token));
    expect(second.body.items.map(({ title }: { title: string }) => title)).toEqual(["b3", "b2", "b1"]);
    expect(second.body.nextCursor).toBeNull();
    const filtered = await call("GET", `${items}?done=true&priority[lt]=5`, asUser(bob.token));
    expect(filtered.body.items).toMatchObject([{ title: "b4", owner_id: bob.id }]);
    const filter = encodeURIComponent('{"or":[{"title":"b1"},{"priority":{"gte":5}}]}');
    expect((await call("GET", `${items}?filter=${filter}`, asUser(bob.token))).body.items).toHaveLength(2);
  });

  it("W2.2-list answers public rows to anybody who names the project", async () => {
    await call("POST", "/v1/collections/pages/items", sdkHeaders(secretKey), { title: "public", done: true });
    await call("POST", "/v1/collections/pages/items", sdkHeaders(secretKey), { title: "draft" });
    for (const headers of [
      { "x-project-id": project.slug },
      { "x-project-id": project.id },
      sdkHeaders(publicKey),
      asUser(alice.token),
      { "x-aerostack-key": publicKey, authorization: `Bearer ${alice.token}` },
    ]) {
      const { body } = await call("GET", "/v1/collections/pages/items?limit=5", headers as Record<string, string>);
      expect(body.items).toMatchObject([{ title: "public" }]);
    }
    const all = await call("GET", "/v1/collections/pages/items", sdkHeaders(secretKey));
    expect(all.body.items).toHaveLength(2);
  });

  it("W2.2-get finds an item by its id alone, and hides what the caller may not see", async () => {
    const { body: item } = await call("POST", items, asUser(alice.token), { title: "hidden" });
    expect(await call("GET", `/v1/collections/items/${item.id}`, asUser(alice.token))).toMatchObject({
      status: 200,
      body: item,
    });
    expect((await call("GET", `${items}/${item.id}`, sdkHeaders(secretKey))).body).toEqual(item);
    const missing = await call("GET", `/v1/collections/items/${item.id}x`, asUser(bob.token));
    expect(missing.status).toBe(404);
    for (const headers of [asUser(bob.token), { "x-project-id": project.slug }, sdkHeaders(publicKey)]) {
      for (const path of [`/v1/collections/items/${item.id}`, `${items}/${item.id}`]) {
        const answer = await call("GET", path, headers as Record<string, string>);
        expect(answer.status).toBe(404);
        expect(strip(answer.body)).toEqual(strip(missing.body));
      }
    }
  });

  it("W2.2-update changes the fields that are sent and answers success", async () => {
    const { body: item } = await call("POST", items, asUser(alice.token), { title: "before", priority: 1 });
    const path = `/v1/collections/items/${item.id}`;
    const put = await call("PUT", path, asUser(alice.token), { title: "after" });
    expect(put).toMatchObject({
      status: 200,
      body: { success: true, item: { id: item.id, title: "after", priority: 1 } },
    });
    const patch = await call("PATCH", `${items}/${item.id}`, asUser(alice.token), { priority: null });
    expect(patch.body.item).not.toHaveProperty("priority");
    expect((await call("PUT", path, asUser(bob.token), { title: "stolen" })).status).toBe(404);
    expect((await call("PUT", path, asUser(alice.token), { owner_id: bob.id })).status).toBe(400);
    expect((await call("GET", path, asUser(alice.token))).body.title).toBe("after");
  });

  it("W2.2-delete removes an item of its owner", async () => {
    const { body: item } = await call("POST", items, asUser(alice.token), { title: "gone" });
    const path = `/v1/collections/items/${item.id}`;
    expect((await call("DELETE", path, asUser(bob.token))).status).toBe(404);
    expect(await call("DELETE", path, asUser(alice.token))).toMatchObject({ status: 200, body: { success: true } });
    expect((await call("GET", path, asUser(alice.token))).status).toBe(404);
    expect((await call("DELETE", path, sdkHeaders(secretKey))).status).toBe(404);
  });

  it.each<[string, () => Record<string, string>, number, string]>([
    ["nobody", () => ({ "x-project-id": "wire-collections" }), 403, "FORBIDDEN"],
    ["a public key", () => sdkHeaders(publicKey), 403, "FORBIDDEN"],
    ["a user", () => asUser(alice.token), 403, "FORBIDDEN"],
    ["a token that is none", () => asUser("eyJhbGciOiJub25lIn0.e30."), 401, "AUTH_INVALID_KEY"],
    [
      "a wrong key beside the project",
      () => ({ "x-project-id": "wire-collections", "x-api-key": "sk_wrong" }),
      401,
      "AUTH_INVALID_KEY",
    ],
    ["no project", () => ({}), 401, "AUTH_INVALID_KEY"],
  ])("W2.2-list of a collection without rules is closed to %s", async (_, headers, status, code) => {
    const answer = await call("GET", "/v1/collections/secrets/items", headers());
    expect(answer).toMatchObject({ status, body: { code } });
  });

  it("W2.2-create asks strangers to sign in", async () => {
    const answer = await call("POST", items, { "x-project-id": project.slug }, { title: "x" });
    expect(answer).toMatchObject({ status: 401, body: { details: { code: "AUTH_TOKEN_INVALID" } } });
  });

  it("W2.2-list tells a token that has run out from one that is none: its client uses the refresh token", async () => {
    for (const path of [items, `${items}/todos_x`, "/v1/collections/items/todos_x"]) {
      const expired = await call("GET", path, {
        "x-aerostack-key": publicKey,
        authorization: `Bearer ${EXPIRED_TOKEN}`,
      });
      expect(expired).toMatchObject({
        status: 401,
        body: { code: "AUTH_INVALID_KEY", details: { code: "AUTH_TOKEN_EXPIRED" } },
      });
    }
  });

  it("W2.2-get of one project's item is nothing to another's keys and users", async () => {
    const { body: item } = await call("POST", items, sdkHeaders(secretKey), { title: "ours" });
    const theirs = { "x-aerostack-key": stranger.secretKey, "x-project-id": project.id };
    for (const [method, body] of [["GET"], ["PUT", { title: "x" }], ["DELETE"]] as const) {
      const answer = await call(method, `/v1/collections/items/${item.id}`, theirs, body);
      expect(answer).toMatchObject({ status: 404, body: { details: { code: "NOT_FOUND" } } });
    }
    expect((await call("GET", "/v1/collections/todos/items", theirs)).status).toBe(404);
    // A user of this project is nobody to the other.
    const foreignUser = { "x-project-id": stranger.project.id, authorization: `Bearer ${alice.token}` };
    expect((await call("GET", "/v1/collections/todos/items", foreignUser)).status).not.toBe(200);
    expect((await call("GET", `/v1/collections/items/${item.id}`, sdkHeaders(secretKey))).status).toBe(200);
  });

  it.each([
    ["limit=0"],
    ["limit=1000"],
    ["limit=x"],
    ["nope=1"],
    ["title[$gt]=1"],
    ["sort=password"],
    ["fields=*"],
    ["cursor=%00"],
    ["filter=%7B"],
    ["filter=%5B1%5D"],
    ["title'--=1"],
    ["1%3D1%20OR%20title=1"],
    ["owner_id[in]=a%27)%20OR%201=1--&nope=1"],
    ["constructor=1"],
  ])("W2.2-list refuses the hostile query %s by name", async (query) => {
    const answer = await call("GET", `${items}?${query}`, sdkHeaders(secretKey));
    expect(answer).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    expect(answer.body.details.fieldErrors).toBeTypeOf("object");
  });

  it("W2.2-list sees what is within objects: rules, filters in the address and as JSON", async () => {
    await define("docs", {
      schema: {
        type: "object",
        properties: { data: { type: "object", properties: { owner: { type: "object" }, n: { type: "integer" } } } },
      },
      rules: { list: "row.data.owner.id == user.id", get: "row.data.owner.id == user.id" },
    });
    const path = "/v1/collections/docs/items";
    const create = async (data: unknown) =>
      (await call("POST", path, sdkHeaders(secretKey), { data })).body.id as string;
    const mine = await create({ owner: { id: alice.id }, n: 1 });
    const theirs = await create({ owner: { id: bob.id }, n: 2 });
    const ids = async (query: string, headers: Record<string, string>) =>
      (await call("GET", `${path}${query}`, headers)).body.items.map(({ id }: { id: string }) => id);
    expect(await ids("", asUser(alice.token))).toEqual([mine]);
    expect(await ids("?data.n[gte]=2", asUser(alice.token))).toEqual([]);
    expect(await ids("?data.n[gte]=2", sdkHeaders(secretKey))).toEqual([theirs]);
    const filter = encodeURIComponent(JSON.stringify({ "data.owner.id": [alice.id, bob.id], "data.n": { lt: 2 } }));
    expect(await ids(`?filter=${filter}`, sdkHeaders(secretKey))).toEqual([mine]);
    // One item is judged in the server, a list in the database: the same answer.
    expect((await call("GET", `/v1/collections/items/${theirs}`, asUser(alice.token))).status).toBe(404);
    expect((await call("GET", `/v1/collections/items/${mine}`, asUser(alice.token))).status).toBe(200);
    const injected = await call(
      "GET",
      `${path}?${encodeURIComponent("data.owner.x')=1 OR (''")}=`,
      asUser(alice.token),
    );
    expect(injected).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
    await developer.call("DELETE", `/api/v1/projects/${project.id}/collections/docs?confirm=docs`);
  });

  it("W2.2-list binds what looks like SQL", async () => {
    for (const value of ["' OR '1'='1", "x'); DROP TABLE todos; --", "%", "\u0000"]) {
      const answer = await call("GET", `${items}?title=${encodeURIComponent(value)}`, sdkHeaders(secretKey));
      expect(answer).toMatchObject({ status: 200, body: { items: [] } });
    }
  });

  it("W2.2-create of a body that is hostile is refused and leaves the server well", async () => {
    const deep = `${"[".repeat(60_000)}${"]".repeat(60_000)}`;
    for (const text of [
      `{"title":${deep}}`,
      "[]",
      "null",
      '"x"',
      '{"title":"\\ud800"}',
      '{"title":"a","__proto__":{"x":1}}',
      "{",
    ]) {
      const answer = await send(`${server.url}${items}`, {
        method: "POST",
        headers: { ...sdkHeaders(secretKey), "content-length": Buffer.byteLength(text) },
        body: text,
      });
      expect([400, 201]).toContain(answer.status);
      if (answer.status === 201) expect(JSON.parse(answer.body)).not.toHaveProperty("x");
    }
    const large = JSON.stringify({ title: "x".repeat(1_100_000) });
    const refused = await send(`${server.url}${items}`, {
      method: "POST",
      headers: { ...sdkHeaders(secretKey), "content-length": Buffer.byteLength(large) },
      body: large,
    });
    expect(refused.status).toBe(413);
    expect((await call("GET", `${items}?limit=1`, sdkHeaders(secretKey))).status).toBe(200);
  });
});

describe("definitions", () => {
  const path = (name = "") => `/api/v1/projects/${project.id}/collections${name === "" ? "" : `/${name}`}`;

  it("are listed, read, changed and deleted by the owner, and unknown to others", async () => {
    await define("drafts", { schema: TODO_SCHEMA });
    const { collections } = await developer.call<{ collections: { name: string }[] }>("GET", path());
    expect(collections.map(({ name }) => name)).toEqual(["drafts", "pages", "secrets", "todos"]);
    const rules = { list: "public" };
    const changed = await developer.call<{ collection: object }>("PUT", `${path("drafts")}/rules`, rules);
    expect(changed.collection).toMatchObject({ version: 2, rules: { list: "public", get: "none" } });
    const stranger2 = { "x-api-key": stranger.secretKey };
    for (const [method, address] of [
      ["GET", path()],
      ["GET", path("drafts")],
      ["PUT", path("drafts")],
      ["DELETE", `${path("drafts")}?confirm=drafts`],
    ] as const) {
      const answer = await call(method, address, stranger2, method === "PUT" ? { schema: TODO_SCHEMA } : undefined);
      expect(answer).toMatchObject({ status: 404, body: { error: { code: "NOT_FOUND" } } });
    }
    expect((await call("DELETE", path("drafts"), { "x-api-key": developer.accountKey })).status).toBe(400);
    await developer.call("DELETE", `${path("drafts")}?confirm=drafts`);
    expect((await call("GET", path("drafts"), { "x-api-key": developer.accountKey })).status).toBe(404);
    expect((await call("GET", "/v1/collections/drafts/items", sdkHeaders(secretKey))).status).toBe(404);
  });

  it.each<[string, string, object]>([
    ["a name that is none", "Todos!", { schema: TODO_SCHEMA }],
    ["a name that is kept", "items", { schema: TODO_SCHEMA }],
    ["a platform's name", "aerostack_collections", { schema: TODO_SCHEMA }],
    ["no schema", "x", {}],
    ["a rule that is none", "x", { schema: TODO_SCHEMA, rules: { list: "row.nope" } }],
    ["a remote reference", "x", { schema: { type: "object", properties: { a: { $ref: "http://127.0.0.1/" } } } }],
    ["an unknown key", "x", { schema: TODO_SCHEMA, rule: {} }],
  ])("with %s are refused by field", async (_, name, definition) => {
    const answer = await call("PUT", path(name), { "x-api-key": developer.accountKey }, definition);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "VALIDATION_ERROR" } } });
    expect(Object.keys(answer.body.error.details.fieldErrors)).toHaveLength(1);
  });

  it("are what generate types of existing clients reads", async () => {
    const headers = { "x-api-key": developer.accountKey };
    const { body } = await call("GET", `/api/v1/cli/project-metadata?project=${project.slug}`, headers);
    expect(body).toMatchObject({ projectId: project.id, name: project.name, hooks: [] });
    const todos = body.collections.find(({ slug }: { slug: string }) => slug === "todos");
    expect(todos).toEqual({
      id: expect.stringMatching(/^col_/),
      name: "todos",
      slug: "todos",
      schema_component_id: todos.id,
      schema: JSON.stringify(TODO_SCHEMA),
    });
  });

  it("cannot be changed by SQL, neither with a key nor by a function", async () => {
    const sql = "UPDATE aerostack_collections SET definition = replace(definition, 'none', 'public')";
    const answer = await call("POST", "/v1/db/query", sdkHeaders(secretKey), { sql });
    expect(answer).toMatchObject({ status: 403, body: { code: "DB_STATEMENT_REFUSED" } });
    await developer.deploy(project, {
      name: "forger",
      isPublic: true,
      worker: `export default { async fetch(request, env) {
        try { await env.DB.prepare(${JSON.stringify(sql)}).run(); return new Response("changed"); }
        catch (error) { return new Response(String(error)); } } }`,
    });
    const forged = await send(developer.functionUrl(project, "forger"));
    expect(forged.body).toContain("DB_STATEMENT_REFUSED");
    const read = await call("POST", "/v1/db/query", sdkHeaders(secretKey), {
      sql: "SELECT name FROM aerostack_collections",
    });
    expect(read.body.count).toBe(3);
  });
});

describe("the owner's SQL", () => {
  it("may change the schema in the console; a project's key there may not, and migrates instead", async () => {
    const path = `/api/v1/projects/${project.id}/db`;
    const create = { sql: "CREATE TABLE console (a)" };
    expect((await call("POST", `${path}/query`, { "x-api-key": secretKey }, create)).body.error).toMatchObject({
      code: "DB_STATEMENT_REFUSED",
      fix: expect.stringContaining("migration"),
    });
    expect((await call("POST", `${path}/query`, { "x-api-key": developer.accountKey }, create)).status).toBe(200);
    const migrations = [{ name: "0001.sql", sql: "CREATE TABLE migrated (a);" }];
    const applied = await call("POST", `${path}/migrations`, { "x-api-key": secretKey }, { migrations });
    expect(applied).toMatchObject({ status: 200, body: { applied: [{ name: "0001.sql" }], pending: [], drift: null } });
    const drifted = await call(
      "POST",
      `${path}/migrations`,
      { "x-api-key": secretKey },
      {
        migrations: [{ name: "0001.sql", sql: "CREATE TABLE migrated (b);" }],
      },
    );
    expect(drifted).toMatchObject({ status: 409, body: { error: { code: "DB_MIGRATION_DRIFT" } } });
    expect(drifted.body.error.details.diff).toContain("+CREATE TABLE migrated (b);");
  });
});

/** Without what is different in every answer. */
function strip(body: { details: Record<string, unknown> }) {
  const { requestId: _id, ...details } = body.details;
  return { ...body, details };
}

describe("the SDK", () => {
  it("lists, pages, reads, changes and deletes items with the types of a schema", async () => {
    interface Types {
      readonly todos: { title: string; done?: boolean; priority?: number };
    }
    const connection = { url: server.url, apiKey: secretKey };
    const todos = createClient<Types & Record<string, object>>(connection).collection("todos");
    const { id } = await todos.create({ title: "sdk", priority: 7 }, { idempotencyKey: "sdk-1" });
    expect((await todos.create({ title: "sdk", priority: 7 }, { idempotencyKey: "sdk-1" })).id).toBe(id);
    await todos.create({ title: "sdk" });
    expect((await todos.list({ where: { title: "sdk", priority: null as never } })).items).toHaveLength(1);
    expect((await todos.list({ where: { title: "sdk" }, sort: ["-priority"], limit: 1 })).items).toMatchObject([
      { id },
    ]);
    await todos.update(id, { done: true });
    expect(await todos.get(id)).toMatchObject({ title: "sdk", done: true, priority: 7 });
    const seen: string[] = [];
    for await (const item of todos.all({ where: { title: "sdk" }, limit: 1 })) seen.push(item.id);
    expect(seen).toHaveLength(2);
    for (const one of seen) await todos.delete(one);
    expect((await todos.list({ where: { title: "sdk" } })).items).toEqual([]);
  });
});
