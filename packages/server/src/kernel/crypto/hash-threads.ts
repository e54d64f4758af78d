import { Worker } from "node:worker_threads";
import type { HashJob, HashResult } from "./hash-job.ts";

/** Threads for derivations that are slow on purpose. They start when they are needed and end when they are not. */
export interface HashThreads {
  /** At most as many at once as there are threads; the caller waits for its turn. */
  run(job: HashJob): Promise<HashResult>;
  close(): Promise<void>;
}

interface Thread {
  readonly worker: Worker;
  idleTimer: NodeJS.Timeout | undefined;
}

interface Waiting {
  readonly job: HashJob;
  readonly resolve: (result: HashResult) => void;
  readonly reject: (error: Error) => void;
}

type Answer = { readonly result: HashResult } | { readonly error: string };

const FILE = new URL("./hash-thread.ts", import.meta.url);
/** A thread takes some megabytes; a server where nobody logs in has none. */
const IDLE_MS = 30_000;
const MAX_HEAP_MB = 32;

export function createHashThreads(size: number): HashThreads {
  const idle: Thread[] = [];
  const all = new Set<Thread>();
  const waiting: Waiting[] = [];

  function start(): Thread {
    const worker = new Worker(FILE, {
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
      name: "password-hashes",
    });
    worker.unref();
    const thread: Thread = { worker, idleTimer: undefined };
    all.add(thread);
    return thread;
  }

  function drop(thread: Thread): void {
    clearTimeout(thread.idleTimer);
    all.delete(thread);
    const position = idle.indexOf(thread);
    if (position !== -1) idle.splice(position, 1);
    void thread.worker.terminate();
  }

  function rest(thread: Thread): void {
    const next = waiting.shift();
    if (next !== undefined) {
      work(thread, next);
      return;
    }
    idle.push(thread);
    thread.idleTimer = setTimeout(() => drop(thread), IDLE_MS).unref();
  }

  function work(thread: Thread, { job, resolve, reject }: Waiting): void {
    clearTimeout(thread.idleTimer);
    const { worker } = thread;
    // A thread that works keeps the process alive: whoever waits for it gets an answer.
    worker.ref();
    const settle = (finish: () => void): void => {
      worker.off("message", onMessage);
      worker.off("error", onFailure);
      worker.off("exit", onExit);
      worker.unref();
      finish();
    };
    const onMessage = (answer: Answer): void =>
      settle(() => {
        rest(thread);
        if ("result" in answer) resolve(answer.result);
        else reject(new Error(answer.error));
      });
    const onFailure = (error: Error): void =>
      settle(() => {
        drop(thread);
        reject(error);
        const next = waiting.shift();
        if (next !== undefined) work(start(), next);
      });
    const onExit = (code: number): void => onFailure(new Error(`a hash thread ended with ${code}`));
    worker.once("message", onMessage);
    worker.once("error", onFailure);
    worker.once("exit", onExit);
    worker.postMessage(job);
  }

  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        const entry = { job, resolve, reject };
        // The one that was used last: the others grow idle and end.
        const thread = idle.pop() ?? (all.size < size ? start() : undefined);
        if (thread === undefined) waiting.push(entry);
        else work(thread, entry);
      }),
    async close() {
      await Promise.all([...all].map(({ worker }) => worker.terminate()));
      all.clear();
      idle.length = 0;
    },
  };
}
