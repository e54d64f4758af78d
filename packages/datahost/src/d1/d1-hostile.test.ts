import { connect } from "node:net";
import { AerostackError } from "@aerostack/contracts/errors";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createD1BindingHandler } from "./d1-binding.ts";
import { type D1ServerUnderTest, type RawRequest, startD1Server } from "./d1-workerd-test-support.ts";
import { createTestEngine, type TestEngine } from "./test-engine.ts";

const MIB = 1024 * 1024;
const STATEMENT = JSON.stringify({ sql: "SELECT 1" });
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

describe("what no client of D1 sends", () => {
  let engine: TestEngine;
  let server: D1ServerUnderTest;
  const defects: unknown[] = [];

  beforeAll(async () => {
    engine = createTestEngine();
    server = await startD1Server(createD1BindingHandler({ engine }), (error) => defects.push(error));
  });
  afterAll(async () => {
    await server.close();
    engine.close();
  });
  afterEach(async () => {
    expect(defects.splice(0)).toEqual([]);
    expect((await server.send({ path: "/query", body: STATEMENT })).status).toBe(200);
  });

  async function refused(request: RawRequest): Promise<{ status: number; error: string }> {
    const answer = await server.send(request);
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.headers["content-length"]).toBe(String(Buffer.byteLength(answer.text)));
    const { success, error } = JSON.parse(answer.text) as { success: boolean; error: string };
    expect(success).toBe(false);
    return { status: answer.status, error };
  }

  test.each([
    ["nothing", ""],
    ["no JSON", "{sql:"],
    ["bytes that are no text", Buffer.from([0xff, 0xfe, 0x00, 0x80])],
    ["null", "null"],
    ["a number", "7"],
    ["a text", '"SELECT 1"'],
    ["an object without sql", "{}"],
    ["sql that is a list", '{"sql":["SELECT 1"]}'],
    ["sql that is null", '{"sql":null}'],
    ["params that are an object", '{"sql":"SELECT ?","params":{"0":1,"length":1}}'],
    ["params that are a text", '{"sql":"SELECT ?","params":"x"}'],
    ["a list of lists", "[[[]]]"],
    ["a list with null", "[null]"],
    ["lists 2,000,000 deep", nested(2_000_000)],
  ])("as a body, %s is refused as malformed", async (_, body) => {
    for (const path of ["/query?resultsFormat=ROWS_AND_COLUMNS", "/execute?resultsFormat=NONE", "/tx/query"]) {
      const answer = await refused({ path, body, headers: { "x-aero-transaction": "tx" } });
      expect(answer).toEqual({ status: 400, error: expect.stringMatching(/^REQUEST_MALFORMED: ./) });
    }
  });

  test.each([
    ["an object", "{}", "[object Object]"],
    ["a list with a text", '["1"]', "[object Array]"],
    ["a list with null", "[1,null]", "[object Array]"],
    ["lists 100,000 deep", nested(100_000), "[object Array]"],
  ])("as a bound value, %s is refused in D1's words", async (_, value, shown) => {
    expect(await refused({ path: "/query", body: `{"sql":"SELECT ?","params":[${value}]}` })).toEqual({
      status: 400,
      error: `D1_TYPE_ERROR: Type 'object' not supported for value '${shown}'`,
    });
  });

  test("true and false are bound as 1 and 0", async () => {
    const answer = await server.send({
      path: "/query?resultsFormat=ROWS_AND_COLUMNS",
      body: '{"sql":"SELECT ?, ?","params":[true,false]}',
    });
    expect(JSON.parse(answer.text)).toMatchObject({ results: { rows: [[1, 0]] } });
  });

  test("unknown fields, an unknown format and no params are nothing to refuse", async () => {
    const body = '{"sql":"SELECT 1 AS a","params":null,"__proto__":{"x":1},"constructor":1}';
    const answer = await server.send({ path: "/query?resultsFormat=%00&resultsFormat=x", body });
    expect(JSON.parse(answer.text)).toMatchObject({ success: true, results: [{ a: 1 }] });
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  test("text with lone surrogates or a NUL reaches SQLite and comes back as JSON", async () => {
    const answer = await server.send({ path: "/query", body: '{"sql":"SELECT ? AS a","params":["\\ud800\\u0000"]}' });
    expect(JSON.parse(answer.text)).toMatchObject({ success: true });
  });

  test.each([
    ["lists", `[${"[],".repeat(200_000)}[]]`],
    ["names", `{${Array.from({ length: 200_001 }, (_, at) => `"${at}":1`)}}`],
    ["nested lists", nested(200_001)],
  ])("a body with too many %s is refused before it is parsed", async (_, body) => {
    expect(await refused({ path: "/query", body })).toEqual({
      status: 400,
      error: "REQUEST_MALFORMED: A request to the database has at most 200000 values.",
    });
  });

  test("a full batch with all its values is taken", async () => {
    const params = Array.from({ length: 100 }, (_, at) => `"[{${at}`);
    const statement = { sql: `SELECT ${params.map(() => "?").join()}`, params };
    const answer = await server.send({
      path: "/query?resultsFormat=ROWS_AND_COLUMNS",
      body: JSON.stringify(Array.from({ length: 1_000 }, () => statement)),
    });
    expect(JSON.parse(answer.text)).toHaveLength(1_000);
  });

  describe("a body over the limit", () => {
    test.each(["with a length", "in chunks"])("%s is refused", async (how) => {
      const body = Buffer.alloc(11 * MIB, 0x20);
      const headers = how === "in chunks" ? { "transfer-encoding": "chunked" } : {};
      expect(await refused({ path: "/query", body, headers })).toEqual({
        status: 413,
        error: "REQUEST_TOO_LARGE: A request to the database has at most 10485760 bytes.",
      });
    });

    test("leaves room for those that follow", async () => {
      const large = JSON.stringify({ sql: "SELECT length(?) AS n", params: ["x".repeat(1_500_000)] });
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, at) =>
          server.send({ path: "/query", body: at % 2 === 0 ? large : Buffer.alloc(11 * MIB) }),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(
        Array.from({ length: 12 }, (_, at) => (at % 2 === 0 ? 200 : 413)),
      );
    });
  });

  test("a sender that goes away in the middle of a body harms nobody", async () => {
    await new Promise<void>((resolve) => {
      const socket = connect(server.socketPath, () => {
        socket.write("POST /query HTTP/1.1\r\nhost: d1\r\nx-aero-binding: main\r\ncontent-length: 1000000\r\n\r\n{");
        socket.end(resolve);
      });
    });
  });

  test.each([
    [{ path: "/query", method: "GET" }, 405, "METHOD_NOT_ALLOWED"],
    [{ path: "/query", method: "PUT", body: STATEMENT }, 405, "METHOD_NOT_ALLOWED"],
    [{ path: "/" }, 404, "NOT_FOUND"],
    [{ path: "/query/" }, 404, "NOT_FOUND"],
    [{ path: "/__proto__" }, 404, "NOT_FOUND"],
    [{ path: "/tx/steal" }, 404, "NOT_FOUND"],
    [{ path: "//x:y@[", body: STATEMENT }, 404, "NOT_FOUND"],
  ] satisfies [RawRequest, number, string][])("%j is not answered", async (request, status, code) => {
    const answer = await refused(request);
    expect(answer.status).toBe(status);
    expect(answer.error.startsWith(`${code}: `)).toBe(true);
  });

  test("exec of many empty lines and of many statements is answered", async () => {
    const empty = JSON.stringify(Array.from({ length: 50_000 }, () => ({ sql: "" })));
    expect((await server.send({ path: "/execute?resultsFormat=NONE", body: empty })).text).toContain(
      "No SQL statements detected.",
    );
    const many = JSON.stringify([{ sql: "SELECT 1;".repeat(5_000) }]);
    const answer = await server.send({ path: "/execute?resultsFormat=NONE", body: many });
    expect(JSON.parse(answer.text)).toHaveLength(5_000);
  });

  describe("transactions", () => {
    const begin = async (body: string) => server.send({ path: "/tx/begin", body });

    test.each([
      ["[]", "REQUEST_MALFORMED"],
      ["", "REQUEST_MALFORMED"],
      ['{"leaseMs":"5"}', "VALIDATION_ERROR"],
      ['{"leaseMs":1e9}', "VALIDATION_ERROR"],
      ['{"leaseMs":0}', "VALIDATION_ERROR"],
      ['{"leaseMs":-1}', "VALIDATION_ERROR"],
      ['{"leaseMs":5001}', "VALIDATION_ERROR"],
      ['{"leaseMs":{}}', "VALIDATION_ERROR"],
    ])("do not begin with %s", async (body, code) => {
      expect((await refused({ path: "/tx/begin", body })).error).toMatch(new RegExp(`^${code}: `));
      expect(engine.openTransactions).toBe(0);
    });

    test.each(["/tx/query", "/tx/execute", "/tx/commit", "/tx/rollback"])(
      "%s needs the transaction's name",
      async (path) => {
        for (const headers of [{}, { "x-aero-transaction": "" }, { "x-aero-transaction": "x".repeat(5_000) }]) {
          expect((await refused({ path, body: STATEMENT, headers: { ...headers } })).status).toBe(400);
        }
        const unknown = await refused({ path, body: STATEMENT, headers: { "x-aero-transaction": "tx_999" } });
        expect(unknown).toEqual({ status: 409, error: expect.stringMatching(/^DB_TRANSACTION_EXPIRED: /) });
      },
    );

    test("of another project cannot be reached", async () => {
      const { transactionId } = await engine.begin({ projectId: "prj_other", database: "main" }, 1000);
      for (const path of ["/tx/query", "/tx/commit", "/tx/rollback"]) {
        const answer = await refused({ path, body: STATEMENT, headers: { "x-aero-transaction": transactionId } });
        expect(answer.status).toBe(409);
      }
      expect(engine.openTransactions).toBe(1);
      await engine.txRollback(transactionId, "prj_other");
    });

    test("take a statement at a time, and end once", async () => {
      const { transactionId } = JSON.parse((await begin("{}")).text) as { transactionId: string };
      const headers = { "x-aero-transaction": transactionId };
      expect((await refused({ path: "/tx/query", body: "[]", headers })).error).toBe("No SQL statements detected.");
      expect((await server.send({ path: "/tx/commit", headers })).status).toBe(200);
      expect((await refused({ path: "/tx/commit", headers })).status).toBe(409);
      expect((await refused({ path: "/tx/rollback", headers })).status).toBe(409);
    });
  });

  test("a dump that fails says so", async () => {
    const failing = { ...engine, dump: () => Promise.reject(new AerostackError("DB_OVERLOADED")) };
    const other = await startD1Server(createD1BindingHandler({ engine: failing }), (error) => defects.push(error));
    try {
      const answer = await other.send({ path: "/dump" });
      expect(answer.status).toBe(503);
      expect(JSON.parse(answer.text)).toEqual({ success: false, error: expect.stringMatching(/^DB_OVERLOADED: /) });
    } finally {
      await other.close();
    }
  });
});
