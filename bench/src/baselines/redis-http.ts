// The least that a cache over HTTP can be in Node: parse, ask Redis, answer. No key, no limits, no log; Redis keeps nothing
// on disk. Usage: node redis-http.ts <redis URL> <prefix of its keys>
import type { Redis as RedisClient } from "ioredis";
import { importAsServer } from "../server-package.ts";
import { announce } from "./announce.ts";
import { listenOnLoopback } from "./listen-on-loopback.ts";

const [redisUrl, prefix] = process.argv.slice(2);
if (redisUrl === undefined || prefix === undefined) throw new Error("Usage: redis-http.ts <redis URL> <prefix>");

const { Redis } = await importAsServer<{ Redis: typeof RedisClient }>("ioredis");
const redis = new Redis(redisUrl);

const url = await listenOnLoopback((req, res) => {
  const chunks: Buffer[] = [];
  req.on("data", (chunk: Buffer) => chunks.push(chunk));
  req.on("end", async () => {
    const { key } = JSON.parse(Buffer.concat(chunks).toString()) as { key: string };
    const value = await redis.get(prefix + key);
    const body = JSON.stringify({ exists: value !== null, value });
    res.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    res.end(body);
  });
});
announce(url);
