import { describe, expect, it } from "vitest";
import type { ResponseHead } from "./response-head.ts";
import { MalformedResponseError, ResponseReader } from "./response-reader.ts";

interface Read {
  readonly heads: ResponseHead[];
  readonly bodies: string[];
  readonly ends: number;
}

function read(pieces: readonly Buffer[], method = "GET", closing = false): Read & { closed: boolean } {
  const heads: ResponseHead[] = [];
  const bodies: string[] = [];
  let body = "";
  const reader = new ResponseReader();
  reader.begin(method, {
    onHead: (head) => void heads.push(head),
    onData: (chunk) => {
      body += chunk.toString("latin1");
    },
    onEnd: (last) => {
      bodies.push(body + (last?.toString("latin1") ?? ""));
      body = "";
    },
  });
  for (const piece of pieces) reader.read(piece);
  const closed = closing && reader.close();
  return { heads, bodies, ends: bodies.length, closed };
}

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

const RESPONSES: Readonly<Record<string, { text: string; body: string; method?: string; status?: number }>> = {
  "a length": { text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\nhello", body: "hello" },
  "no body": { text: "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", body: "" },
  chunks: {
    text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\n\r\n",
    body: "hello, world",
  },
  "chunks and a trailer": {
    text: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nx-sum: 1\r\n\r\n",
    body: "0123456789",
  },
  "an answer to HEAD": { text: "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n", body: "", method: "HEAD" },
  "a status without body": { text: "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", body: "", status: 304 },
  "an interim answer before it": {
    text: "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\nok",
    body: "ok",
    status: 201,
  },
};

describe("a response", () => {
  for (const [name, { text, body, method, status }] of Object.entries(RESPONSES)) {
    it(`with ${name} is the same in whatever two pieces it arrives, and byte by byte`, () => {
      const all = bytes(text);
      const cuts = Array.from({ length: all.length + 1 }, (_, cut) => [all.subarray(0, cut), all.subarray(cut)]);
      const single = Array.from(all, (_, index) => all.subarray(index, index + 1));
      for (const pieces of [...cuts, single]) {
        const seen = read(
          pieces.filter((piece) => piece.length > 0),
          method,
        );
        expect(seen.bodies).toEqual([body]);
        expect(seen.heads.map((head) => head.status)).toEqual([status ?? 200]);
      }
    });
  }

  it("without a length ends with the connection; one cut short does not", () => {
    const open = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nuntil the end";
    expect(read([bytes(open)], "GET", true)).toMatchObject({ bodies: ["until the end"], closed: true });
    const short = "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nnot all of it";
    expect(read([bytes(short)], "GET", true)).toMatchObject({ bodies: [], closed: false });
    expect(read([bytes("HTTP/1.1 200 OK\r\n")], "GET", true)).toMatchObject({ bodies: [], closed: false });
  });

  it("keeps every field with its value, repeated ones too", () => {
    const text =
      "HTTP/1.1 200 Fine by me\r\nSet-Cookie: a=1\r\nSET-COOKIE:b=2 \r\nX-Latin: \u00e9\r\ncontent-length: 0\r\n\r\n";
    expect(read([bytes(text)]).heads[0]).toMatchObject({
      statusText: "Fine by me",
      headers: ["set-cookie", "a=1", "set-cookie", "b=2", "x-latin", "\u00e9", "content-length", "0"],
    });
  });

  const HOSTILE: Readonly<Record<string, string>> = {
    "another protocol": "SSH-2.0-OpenSSH\r\n\r\n",
    "a status that is none": "HTTP/1.1 20 OK\r\n\r\n",
    "a second response behind the first": "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "two lengths": "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "a negative length": "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "a coding that nobody asked for": "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
    "a folded field": "HTTP/1.1 200 OK\r\na: 1\r\n b: 2\r\n\r\n",
    "a field without a name": "HTTP/1.1 200 OK\r\n: 1\r\n\r\n",
    "a bare line feed in a field": "HTTP/1.1 200 OK\r\na: 1\nset-cookie: x\r\n\r\n",
    "a chunk of no size": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "a chunk longer than it says": "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    "an endless head": `HTTP/1.1 200 OK\r\na: ${"x".repeat(200_000)}`,
    "an endless size of a chunk": `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;${"x".repeat(2000)}`,
  };
  for (const [name, text] of Object.entries(HOSTILE)) {
    it(`with ${name} is refused`, () => {
      expect(() => read([bytes(text)])).toThrow(MalformedResponseError);
    });
  }
});
