import { Worker } from "node:worker_threads";
import type { DatabaseFile } from "../files/database-files.ts";
import type { CheckpointAnswer, CheckpointRequest } from "./checkpoint-worker.ts";

/**
 * Copies write-ahead logs into their databases on a thread of its own, because that syncs the disk several times. The thread
 * starts with the first request and ends when there was none for a while. A request for a file that already waits is dropped.
 */
export interface Checkpoints {
  /** Resolves when it is done, also when it failed: the log is still there and the next one takes more. */
  request(file: DatabaseFile, mode: "PASSIVE" | "TRUNCATE"): Promise<void>;
  /** Resolves once no copy of this file's log is under way. */
  settled(file: DatabaseFile): Promise<void>;
  close(): Promise<void>;
}

export interface CheckpointsOptions {
  readonly idleMs: number;
  readonly onFailure: (file: DatabaseFile, message: string) => void;
}

interface Request {
  readonly file: DatabaseFile;
  readonly done: () => void;
}

export function createCheckpoints({ idleMs, onFailure }: CheckpointsOptions): Checkpoints {
  const requests = new Map<number, Request>();
  const waiting = new Map<string, Promise<void>>();
  let worker: Worker | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let nextId = 1;
  let closed = false;

  function start(): Worker {
    const started = new Worker(new URL("./checkpoint-worker.ts", import.meta.url));
    started.unref();
    started.on("message", ({ id, error }: CheckpointAnswer) => finish(id, error));
    started.on("error", (error) => {
      worker = undefined;
      for (const id of [...requests.keys()]) finish(id, error.message);
    });
    return started;
  }

  function finish(id: number, error: string | undefined): void {
    const request = requests.get(id);
    if (request === undefined) return;
    requests.delete(id);
    waiting.delete(request.file.path);
    if (error !== undefined) onFailure(request.file, error);
    request.done();
    if (requests.size === 0 && !closed) {
      idleTimer = setTimeout(stop, idleMs);
      idleTimer.unref();
    }
  }

  function stop(): void {
    const stopping = worker;
    worker = undefined;
    void stopping?.terminate();
  }

  return {
    request(file, mode) {
      const running = waiting.get(file.path);
      if (running !== undefined) return running;
      if (closed) return Promise.resolve();
      clearTimeout(idleTimer);
      worker ??= start();
      const id = nextId++;
      const done = new Promise<void>((resolve) => requests.set(id, { file, done: resolve }));
      waiting.set(file.path, done);
      worker.postMessage({ id, path: file.path, key: file.key, mode } satisfies CheckpointRequest);
      return done;
    },
    settled: (file) => waiting.get(file.path) ?? Promise.resolve(),
    async close() {
      closed = true;
      clearTimeout(idleTimer);
      await Promise.all(waiting.values());
      await worker?.terminate();
      worker = undefined;
    },
  };
}
