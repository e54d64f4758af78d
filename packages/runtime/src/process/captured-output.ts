import type { Readable } from "node:stream";

/** The last bytes that a stream brought; reading it on keeps the writer from blocking. */
export function captureOutput(stream: Readable, maxBytes: number): () => string {
  let chunks: Buffer[] = [];
  let total = 0;
  stream.on("data", (chunk: Buffer) => {
    chunks.push(chunk.length > maxBytes ? chunk.subarray(chunk.length - maxBytes) : chunk);
    total += chunk.length;
    if (chunks.length > 1 && total > 2 * maxBytes) {
      const kept = Buffer.concat(chunks);
      chunks = [kept.subarray(Math.max(0, kept.length - maxBytes))];
      total = chunks[0]?.length ?? 0;
    }
  });
  stream.on("error", () => {});
  return () => Buffer.concat(chunks).toString("utf8").slice(-maxBytes);
}
