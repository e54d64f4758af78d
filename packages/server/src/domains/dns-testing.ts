// For tests only: a name server on a loopback port that answers TXT questions (RFC 1035) from a table.
import { createSocket } from "node:dgram";

const TYPE_TXT = 16;
const CLASS_IN = 1;
const HEADER_BYTES = 12;
const MAX_STRING_BYTES = 255;
/** RFC 1035, 4.1.1. */
const RCODES = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;

export interface TestNameServer {
  /** As `dns.setServers` takes it. */
  readonly address: string;
  /** The TXT records of each name, whole. */
  readonly records: Map<string, string[]>;
  /** Every name that was asked for, in order. */
  readonly asked: string[];
  /** Answers SERVFAIL to everything while true. */
  failing: boolean;
  close(): Promise<void>;
}

export async function startNameServer(): Promise<TestNameServer> {
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  const server: TestNameServer = {
    address: `127.0.0.1:${socket.address().port}`,
    records: new Map(),
    asked: [],
    failing: false,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
  socket.on("message", (query, peer) => {
    const { name, end } = readName(query);
    server.asked.push(name);
    const found = server.records.get(name);
    const rcode = server.failing ? "SERVFAIL" : found === undefined ? "NXDOMAIN" : "NOERROR";
    const answers = rcode === "NOERROR" && query.readUInt16BE(end) === TYPE_TXT ? (found ?? []) : [];
    socket.send(answer(query, end + 4, RCODES[rcode], answers), peer.port, peer.address);
  });
  return server;
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length).toLowerCase());
    at += length + 1;
  }
  return { name: labels.join("."), end: at + 1 };
}

function answer(query: Buffer, questionEnd: number, rcode: number, texts: readonly string[]): Buffer {
  const header = Buffer.from(query.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(0x8180 | rcode, 2);
  header.writeUInt16BE(texts.length, 6);
  header.fill(0, 8, HEADER_BYTES);
  return Buffer.concat([header, query.subarray(HEADER_BYTES, questionEnd), ...texts.map(txtRecord)]);
}

function txtRecord(text: string): Buffer {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length || at === 0; at += MAX_STRING_BYTES) {
    const piece = bytes.subarray(at, at + MAX_STRING_BYTES);
    pieces.push(Buffer.from([piece.length]), piece);
  }
  const data = Buffer.concat(pieces);
  const head = Buffer.alloc(HEADER_BYTES);
  // A pointer to the name of the question.
  head.writeUInt16BE(0xc000 | HEADER_BYTES, 0);
  head.writeUInt16BE(TYPE_TXT, 2);
  head.writeUInt16BE(CLASS_IN, 4);
  head.writeUInt32BE(0, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}
