import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  canonicalRequest,
  deriveSigningKey,
  scopeText,
  sha256Hex,
  sign,
  stringToSign,
} from "../packages/kernel/src/index.ts";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { expectWithin } from "./harness/expect-within.ts";
import { type RawAnswer, send } from "./harness/raw-http.ts";
import { createS3Access, type S3Access } from "./harness/s3-access.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// What no client sends: signatures for something else, bodies that are not what was signed, documents that grow.

const MIB = 1024 * 1024;
let server: ServerProcess;
let developer: Developer;
let project: Project;
let access: S3Access;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("S3 hostile");
  access = await createS3Access(developer, project);
});
afterAll(async () => {
  await server?.dispose();
});

interface Signed {
  readonly method?: string;
  /** Decoded. */
  readonly path: string;
  readonly query?: readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  /** As it is sent; another than what is signed where these differ. */
  readonly sentPath?: string;
  readonly sentHeaders?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly payloadHash?: string;
  readonly at?: Date;
  readonly secret?: string;
  readonly accessKeyId?: string;
  readonly service?: string;
  readonly signedNames?: readonly string[];
}

function timestampOf(at: Date): string {
  return at.toISOString().replace(/[-:]|\.\d{3}/g, "");
}

function prepare(request: Signed) {
  const { method = "GET", path, query = [], body = "", at = new Date(), service = "s3" } = request;
  const timestamp = timestampOf(at);
  const scope = { date: timestamp.slice(0, 8), region: "auto", service };
  const payloadHash = request.payloadHash ?? sha256Hex(body);
  const all: Record<string, string> = {
    host: new URL(server.url).host,
    "x-amz-date": timestamp,
    "x-amz-content-sha256": payloadHash,
    ...request.headers,
  };
  const names = request.signedNames ?? Object.keys(all).sort();
  const canonical = canonicalRequest({
    method,
    path,
    query,
    headers: names.map((name) => [name, all[name] ?? ""] as const),
    payloadHash,
  });
  const key = deriveSigningKey(request.secret ?? access.secretAccessKey, scope);
  const signature = sign(key, stringToSign(timestamp, scope, canonical));
  const credential = `${request.accessKeyId ?? access.accessKeyId}/${scopeText(scope)}`;
  return { method, all, names, signature, credential, key, timestamp, scope: scopeText(scope) };
}

async function s3(request: Signed): Promise<RawAnswer> {
  const { method, all, names, signature, credential } = prepare(request);
  const query = (request.query ?? []).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  const path = request.sentPath ?? encodeURI(request.path);
  return await send(server.url, {
    method,
    path: query.length === 0 ? path : `${path}?${query.join("&")}`,
    headers: {
      ...all,
      authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
      ...(request.body === undefined ? {} : { "content-length": Buffer.byteLength(request.body) }),
      ...request.sentHeaders,
    },
    ...(request.body === undefined ? {} : { body: request.body }),
  });
}

const codeOf = ({ body }: RawAnswer): string => /<Code>(\w+)<\/Code>/.exec(body)?.[1] ?? "";
const exists = async (key: string): Promise<boolean> =>
  (await s3({ method: "HEAD", path: `/s3/default/${key}` })).status === 200;

describe("signatures", () => {
  test("are refused for any other time, key, service, method, path, query or header than was signed", async () => {
    const get = { path: "/s3/default/", query: [["list-type", "2"]] } as const;
    expect((await s3(get)).status).toBe(200);
    const refused: [string, Signed, string][] = [
      ["old", { ...get, at: new Date(Date.now() - 16 * 60_000) }, "RequestTimeTooSkewed"],
      ["early", { ...get, at: new Date(Date.now() + 16 * 60_000) }, "RequestTimeTooSkewed"],
      ["unknown key", { ...get, accessKeyId: "AEROAAAAAAAAAAAAAAAA" }, "InvalidAccessKeyId"],
      ["no key of ours", { ...get, accessKeyId: "AKIAIOSFODNN7EXAMPLE" }, "InvalidAccessKeyId"],
      ["wrong secret", { ...get, secret: "x" }, "SignatureDoesNotMatch"],
      ["another service", { ...get, service: "sts" }, "AuthorizationHeaderMalformed"],
      ["another path", { ...get, sentPath: "/s3/default/other" }, "SignatureDoesNotMatch"],
      ["without host", { ...get, signedNames: ["x-amz-content-sha256", "x-amz-date"] }, "AccessDenied"],
      ["unsigned x-amz header", { ...get, sentHeaders: { "x-amz-acl": "public-read" } }, "AccessDenied"],
      [
        "changed header",
        { ...get, sentHeaders: { "x-amz-date": timestampOf(new Date(Date.now() - 5000)) } },
        "SignatureDoesNotMatch",
      ],
    ];
    for (const [name, request, code] of refused) {
      const answer = await s3(request);
      expect([name, codeOf(answer), answer.status >= 400]).toEqual([name, code, true]);
    }
  });

  test("are needed: without one, or with half of one, everything is denied in the same words", async () => {
    const paths = ["/s3", "/s3/", "/s3/default", "/s3/default/a", "/s3/nobody/a", "/s3/default?list-type=2"];
    for (const path of paths) {
      const answer = await send(server.url, { path });
      expect([path, answer.status, codeOf(answer)]).toEqual([path, 403, "AccessDenied"]);
    }
    for (const authorization of [
      "AWS4-HMAC-SHA256",
      "AWS4-HMAC-SHA256 x",
      "AWS AKID:sig",
      "Bearer x",
      "AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request, SignedHeaders=host, Signature=zz",
    ]) {
      const answer = await send(server.url, { path: "/s3/default", headers: { authorization } });
      expect([authorization, answer.status]).toEqual([authorization, 400]);
    }
  });

  test("in header and query at once are refused, and so are parameters that come twice", async () => {
    const both = await s3({ path: "/s3/default", query: [["X-Amz-Signature", "0".repeat(64)]] });
    expect([both.status, codeOf(both)]).toEqual([400, "InvalidArgument"]);
    const { credential, timestamp } = prepare({ path: "/s3/default/a" });
    const query = new URLSearchParams([
      ["X-Amz-Algorithm", "AWS4-HMAC-SHA256"],
      ["X-Amz-Credential", credential],
      ["X-Amz-Date", timestamp],
      ["X-Amz-Expires", "60"],
      ["X-Amz-SignedHeaders", "host"],
      ["X-Amz-Signature", "0".repeat(64)],
    ]);
    const url = `/s3/default/a?${query}`;
    expect(codeOf(await send(server.url, { path: url }))).toBe("SignatureDoesNotMatch");
    for (const more of ["&X-Amz-Expires=604800", "&X-Amz-Signature=1"]) {
      expect(codeOf(await send(server.url, { path: url + more }))).toBe("AuthorizationQueryParametersError");
    }
    for (const expires of ["0", "604801", "-1", "1e3", ""]) {
      const answer = await send(server.url, { path: url.replace("X-Amz-Expires=60", `X-Amz-Expires=${expires}`) });
      expect([expires, codeOf(answer)]).toEqual([expires, "AuthorizationQueryParametersError"]);
    }
    expect(codeOf(await send(server.url, { path: "/s3/default/a?AWSAccessKeyId=x&Signature=y&Expires=1" }))).toBe(
      "InvalidRequest",
    );
  });
});

describe("bodies", () => {
  test("that are not what was signed or announced leave nothing", async () => {
    const put = { method: "PUT", path: "/s3/default/body" } as const;
    const cases: [string, Signed, string][] = [
      ["other bytes", { ...put, body: "sent", payloadHash: sha256Hex("signed") }, "XAmzContentSHA256Mismatch"],
      ["no hash", { ...put, body: "x", payloadHash: "nonsense" }, "InvalidArgument"],
      [
        "unknown streaming",
        { ...put, body: "x", payloadHash: "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD" },
        "NotImplemented",
      ],
      [
        "wrong md5",
        { ...put, body: "x", headers: { "content-md5": Buffer.alloc(16).toString("base64") } },
        "BadDigest",
      ],
      ["no md5", { ...put, body: "x", headers: { "content-md5": "abc" } }, "InvalidDigest"],
      ["no checksum", { ...put, body: "x", headers: { "x-amz-checksum-crc32": "!" } }, "InvalidRequest"],
      [
        "two checksums",
        { ...put, body: "x", headers: { "x-amz-checksum-crc32": "AAAAAA==", "x-amz-checksum-crc32c": "AAAAAA==" } },
        "InvalidRequest",
      ],
      [
        "another ACL",
        { ...put, body: "x", headers: { "x-amz-acl": "public-read-write" } },
        "AccessControlListNotSupported",
      ],
      ["another class", { ...put, body: "x", headers: { "x-amz-storage-class": "GLACIER" } }, "InvalidStorageClass"],
      ["much metadata", { ...put, body: "x", headers: { "x-amz-meta-a": "x".repeat(9000) } }, "MetadataTooLarge"],
      [
        "own key",
        { ...put, body: "x", headers: { "x-amz-server-side-encryption-customer-algorithm": "AES256" } },
        "NotImplemented",
      ],
    ];
    for (const [name, request, code] of cases) {
      const answer = await s3(request);
      expect([name, codeOf(answer)]).toEqual([name, code]);
      expect(await exists("body")).toBe(false);
    }
  });

  /** A body in signed chunks. @param spoil what is wrong with it */
  function chunked(path: string, content: string, spoil: (chunks: string[]) => string[] = (chunks) => chunks): Signed {
    const payloadHash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
    const headers = { "x-amz-decoded-content-length": String(content.length), "content-encoding": "aws-chunked" };
    const request = { method: "PUT", path, headers, payloadHash, at: new Date() };
    const { key, timestamp, scope, signature } = prepare(request);
    let previous = signature;
    const half = Math.ceil(content.length / 2);
    const chunks = [content.slice(0, half), content.slice(half), ""].map((data) => {
      const empty = createHash("sha256").digest("hex");
      previous = sign(key, ["AWS4-HMAC-SHA256-PAYLOAD", timestamp, scope, previous, empty, sha256Hex(data)].join("\n"));
      return `${data.length.toString(16)};chunk-signature=${previous}\r\n${data}\r\n`;
    });
    return { ...request, body: spoil(chunks).join("") };
  }

  test("in signed chunks are taken, and refused where a chunk was changed, moved, dropped or added", async () => {
    const content = "0123456789".repeat(1000);
    expect((await s3(chunked("/s3/default/chunks", content))).status).toBe(200);
    expect((await s3({ path: "/s3/default/chunks" })).body).toBe(content);
    const spoilt: [string, (chunks: string[]) => string[], string][] = [
      ["changed", ([a = "", ...rest]) => [a.replace("012345", "x12345"), ...rest], "SignatureDoesNotMatch"],
      ["moved", ([a = "", b = "", c = ""]) => [b, a, c], "SignatureDoesNotMatch"],
      ["dropped", ([, ...rest]) => rest, "SignatureDoesNotMatch"],
      ["cut", (chunks) => chunks.slice(0, 2), "IncompleteBody"],
      ["added", (chunks) => [...chunks, "5\r\nhello\r\n"], "InvalidRequest"],
      ["unsigned", ([a = "", ...rest]) => [a.replace(/;chunk-signature=\w+/, ""), ...rest], "InvalidRequest"],
      ["no size", ([a = "", ...rest]) => [a.replace(/^\w+;/, "zz;"), ...rest], "InvalidRequest"],
      ["a huge size", ([a = "", ...rest]) => [a.replace(/^\w+;/, "ffffffffffff;"), ...rest], "InvalidRequest"],
      ["a line without end", () => ["1".repeat(5000)], "InvalidRequest"],
    ];
    for (const [name, spoil, code] of spoilt) {
      const answer = await s3(chunked("/s3/default/spoilt", content, spoil));
      expect([name, codeOf(answer)]).toEqual([name, code]);
      expect([name, await exists("spoilt")]).toEqual([name, false]);
    }
  });

  test("with a trailer are held to it", async () => {
    const crc = "y/Q5Jg==";
    const put = (trailer: string, content = "123456789") => {
      const body = `${content.length.toString(16)}\r\n${content}\r\n0\r\n${trailer}\r\n`;
      return s3({
        method: "PUT",
        path: "/s3/default/trailer",
        body,
        payloadHash: "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        headers: {
          "x-amz-trailer": "x-amz-checksum-crc32",
          "x-amz-decoded-content-length": String(content.length),
          "content-encoding": "aws-chunked",
        },
      });
    };
    for (const [trailer, code] of [
      [`x-amz-checksum-crc32:AAAAAA==\r\n`, "BadDigest"],
      ["", "InvalidRequest"],
      ["no colon\r\n", "InvalidRequest"],
      ["x".repeat(2000), "InvalidRequest"],
    ] as const) {
      expect([trailer.slice(0, 30), codeOf(await put(trailer))]).toEqual([trailer.slice(0, 30), code]);
      expect(await exists("trailer")).toBe(false);
    }
    expect((await put(`x-amz-checksum-crc32:${crc}\r\n`)).status).toBe(200);
    const head = await s3({
      method: "HEAD",
      path: "/s3/default/trailer",
      headers: { "x-amz-checksum-mode": "ENABLED" },
    });
    expect(head.headers["x-amz-checksum-crc32"]).toBe(crc);
    expect(head.headers["content-encoding"]).toBeUndefined();
  });
});

describe("documents", () => {
  const remove = (body: string) => s3({ method: "POST", path: "/s3/default", query: [["delete", ""]], body });

  test("that grow, nest, or name outside files are refused without being unfolded", async () => {
    const bomb = `<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 9 }, (_, i) => `<!ENTITY a${i} "${`&a${i === 0 ? "" : i - 1};`.repeat(10)}">`).join("")}]><Delete><Object><Key>&a8;</Key></Object></Delete>`;
    const external = `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>`;
    const deep = `<Delete>${"<a>".repeat(50_000)}${"</a>".repeat(50_000)}</Delete>`;
    const wide = `<Delete>${"<a/>".repeat(100_000)}</Delete>`;
    const broken = [
      "",
      "x",
      "<Delete>",
      "<Delete></Other>",
      "<Other/>",
      "<Delete/><Delete/>",
      "<Delete>&#0;</Delete>",
      "<Delete>&#x110000;</Delete>",
      "<Delete><Object/></Delete>",
      "<Delete><Object><Key>a</Key></Object></Delete>junk",
      "\0",
      '<Delete a="<"/>',
    ];
    for (const body of [bomb, external, deep, wide, ...broken]) {
      const startedAt = performance.now();
      const answer = await remove(body);
      expect([body.slice(0, 60), answer.status, codeOf(answer)]).toEqual([body.slice(0, 60), 400, "MalformedXML"]);
      expectWithin(performance.now() - startedAt, 2000);
    }
    const large = await remove(`<Delete>${" ".repeat(3 * MIB)}</Delete>`);
    expect(codeOf(large)).toBe("EntityTooLarge");
  });
});

describe("keys and buckets", () => {
  test("that could be taken for paths are refused, encoded or not", async () => {
    const keys: [path: string, sent: string, code: string][] = [
      ["/s3/default/../x", "/s3/default/../x", "InvalidArgument"],
      ["/s3/default/a/../b", "/s3/default/a/%2e%2e/b", "InvalidArgument"],
      ["/s3/default//abs", "/s3/default//abs", "InvalidArgument"],
      ["/s3/default/a\0b", "/s3/default/a%00b", "InvalidArgument"],
      [`/s3/default/${"x".repeat(1025)}`, `/s3/default/${"x".repeat(1025)}`, "KeyTooLongError"],
      ["/s3/default/x", "/s3/default/%c0%ae", "InvalidURI"],
      ["/s3/default/x", "/s3/default/%ff", "InvalidURI"],
      ["/s3/default/x", "/s3/default/%zz", "InvalidURI"],
    ];
    for (const [path, sentPath, code] of keys) {
      const answer = await s3({ method: "PUT", path, sentPath, body: "x" });
      expect([sentPath.slice(0, 40), codeOf(answer)]).toEqual([sentPath.slice(0, 40), code]);
    }
    for (const bucket of ["..", "UPPER", "a.b", "x".repeat(200), "%", "_x"]) {
      const answer = await s3({ path: `/s3/${bucket}/a`, sentPath: `/s3/${encodeURIComponent(bucket)}/a` });
      expect([bucket, codeOf(answer)]).toEqual([bucket, "NoSuchBucket"]);
    }
  });

  test("an object of a hostile kind cannot act on the origin that serves it", async () => {
    const page = "<script>alert(1)</script>";
    await s3({ method: "PUT", path: "/s3/default/page.html", body: page, headers: { "content-type": "text/html" } });
    const { headers, body } = await s3({ path: "/s3/default/page.html" });
    expect(body).toBe(page);
    expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*sandbox$/);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });

  test("errors are S3's documents, and a HEAD has none", async () => {
    const answer = await s3({ path: "/s3/default/none" });
    expect(answer).toMatchObject({ status: 404, headers: { "content-type": "application/xml" } });
    const id = answer.headers["x-amz-request-id"];
    expect(answer.body).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>none</Key><RequestId>${id}</RequestId><HostId>aerostack</HostId></Error>`,
    );
    expect(await s3({ method: "HEAD", path: "/s3/default/none" })).toMatchObject({ status: 404, body: "" });
    expect(codeOf(await s3({ method: "PATCH", path: "/s3/default/none" }))).toBe("MethodNotAllowed");
    const markup = await s3({ path: "/s3/default/<&>\"'", sentPath: "/s3/default/%3C%26%3E%22'" });
    expect(markup.body).toContain("<Key>&lt;&amp;&gt;&quot;'</Key>");
  });

  test("numbers out of range are refused, and none brings the server down", async () => {
    for (const [name, value] of [
      ["max-keys", "-1"],
      ["max-keys", "x"],
      ["max-keys", "99999999999999999999"],
      ["encoding-type", "base64"],
      ["continuation-token", "nonsense"],
      ["continuation-token", ""],
    ] as const) {
      const answer = await s3({
        path: "/s3/default",
        query: [
          ["list-type", "2"],
          [name, value],
        ],
      });
      expect([name, value, answer.status]).toEqual([name, value, 400]);
    }
    expect((await send(`${server.url}/readyz`)).status).toBe(200);
  });
});
