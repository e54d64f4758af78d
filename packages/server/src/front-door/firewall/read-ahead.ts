import type { IncomingMessage } from "node:http";

/**
 * Reads a body to its end and puts it back, so that whoever reads next finds it whole.
 *
 * @returns null for a body of more than `maxBytes`; what was read of it is put back as well
 */
export function readAhead(req: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    function stop(): void {
      req.off("readable", onReadable).off("error", onFailure).off("close", onFailure).off("end", onEnd);
    }
    function onFailure(): void {
      stop();
      reject(new Error("the request ended early"));
    }
    /** Only of a body without a byte: there is nothing to put back. */
    function onEnd(): void {
      stop();
      resolve(Buffer.alloc(0));
    }
    function onReadable(): void {
      for (let chunk = req.read() as Buffer | null; chunk !== null; chunk = req.read() as Buffer | null) {
        chunks.push(chunk);
        size += chunk.length;
      }
      if (size <= maxBytes && !req.complete) return;
      stop();
      const bytes = Buffer.concat(chunks);
      // In this very turn: once the end was told, nothing can be put back.
      if (size > 0) req.unshift(bytes);
      // The stream takes its next reader when it has noticed that this one is gone.
      setImmediate(() => resolve(size > maxBytes ? null : bytes));
    }
    req.on("readable", onReadable).once("error", onFailure).once("close", onFailure).once("end", onEnd);
  });
}
