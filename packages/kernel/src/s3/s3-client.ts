import { type IncomingMessage, Agent as PlainAgent, request as plainRequest } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Clock } from "../clock.ts";
import type { S3Location } from "./s3-location.ts";
import {
  canonicalRequest,
  deriveSigningKey,
  EMPTY_SHA256,
  SIGV4_ALGORITHM,
  scopeText,
  sha256Hex,
  sign,
  stringToSign,
  uriEncode,
  uriEncodePath,
} from "./sigv4.ts";

export interface S3Call {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Without the location's prefix; the bucket itself where it is left out. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | { readonly stream: Readable; readonly size: number; readonly sha256: string };
}

/** Requests to one bucket, signed. An answer's body is to be read to its end, or destroyed. */
export interface S3Client {
  /** The location's, in front of every key. */
  readonly prefix: string;
  send(call: S3Call): Promise<IncomingMessage>;
  /** Sends and reads a small answer. @throws S3CallError where its status is not one of those that are expected */
  text(call: S3Call, expected?: readonly number[]): Promise<{ readonly status: number; readonly body: string }>;
  close(): void;
}

export class S3CallError extends Error {
  readonly status: number;
  constructor(method: string, status: number, body: string) {
    const code = /<Code>(\w{1,60})<\/Code>/.exec(body)?.[1] ?? "no code";
    super(`the bucket answered ${method} with ${status} (${code})`);
    this.name = "S3CallError";
    this.status = status;
  }
}

const MAX_SOCKETS = 64;
/** Without a byte for so long, a connection is given up. */
const IDLE_TIMEOUT_MS = 60_000;

export function createS3Client(location: S3Location, clock: Clock): S3Client {
  const { origin, basePath, bucket, prefix, region, accessKeyId, secretAccessKey } = location;
  const isTls = origin.startsWith("https:");
  const agent = new (isTls ? TlsAgent : PlainAgent)({ keepAlive: true, maxSockets: MAX_SOCKETS });
  const { host } = new URL(origin);

  function send({ method, key, query = {}, headers = {}, body }: S3Call): Promise<IncomingMessage> {
    const path = `${basePath}/${bucket}${key === undefined ? "" : `/${prefix}${key}`}`;
    const timestamp = new Date(clock.now()).toISOString().replace(/[-:]|\.\d{3}/g, "");
    const scope = { date: timestamp.slice(0, 8), region, service: "s3" };
    const isBuffer = Buffer.isBuffer(body);
    const payloadHash = body === undefined ? EMPTY_SHA256 : isBuffer ? sha256Hex(body) : body.sha256;
    const signed: Record<string, string> = {
      ...headers,
      host,
      "x-amz-content-sha256": payloadHash,
      "x-amz-date": timestamp,
    };
    const pairs = Object.entries(query);
    const names = Object.keys(signed).sort();
    const canonical = canonicalRequest({
      method,
      path,
      query: pairs,
      headers: names.map((name) => [name, signed[name] ?? ""] as const),
      payloadHash,
    });
    const signature = sign(deriveSigningKey(secretAccessKey, scope), stringToSign(timestamp, scope, canonical));
    const credential = `${accessKeyId}/${scopeText(scope)}`;
    const search = pairs.map(([name, value]) => `${uriEncode(name)}=${uriEncode(value)}`).join("&");
    const length = body === undefined ? 0 : isBuffer ? body.length : body.size;
    return new Promise((resolve, reject) => {
      const req = (isTls ? tlsRequest : plainRequest)(
        `${origin}${uriEncodePath(path)}${search === "" ? "" : `?${search}`}`,
        {
          method,
          agent,
          headers: {
            ...signed,
            authorization: `${SIGV4_ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(";")}, Signature=${signature}`,
            ...(method === "GET" || method === "HEAD" ? {} : { "content-length": length }),
          },
        },
        resolve,
      );
      req.setTimeout(IDLE_TIMEOUT_MS, () => req.destroy(new Error("the bucket did not answer in time")));
      req.once("error", reject);
      if (body === undefined || isBuffer) req.end(body);
      else pipeline(body.stream, req).catch(reject);
    });
  }

  return {
    prefix,
    send,
    async text(call, expected = [200, 204]) {
      const res = await send(call);
      const chunks: Buffer[] = [];
      for await (const chunk of res) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString("utf8");
      const status = res.statusCode ?? 0;
      if (!expected.includes(status)) throw new S3CallError(call.method, status, body);
      return { status, body };
    },
    close: () => agent.destroy(),
  };
}
