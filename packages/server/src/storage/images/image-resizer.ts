import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { AerostackError } from "@aerostack/contracts";
import type { ImageAnswer, ImageOptions } from "./image-job.ts";

/** Makes pictures of other sizes and formats, in a process of its own that is there only while it is needed. */
export interface ImageResizer {
  /**
   * @throws UNSUPPORTED_MEDIA_TYPE for what is no picture, STORAGE_FILE_TOO_LARGE for one that unfolds to too much,
   * SERVICE_UNAVAILABLE when too many are asked for at once
   */
  resize(source: Uint8Array, options: ImageOptions): Promise<Buffer>;
  close(): void;
}

const CHILD = fileURLToPath(new URL("./image-child.ts", import.meta.url));
/** Each takes a core. */
const MAX_RUNNING = 2;
const MAX_WAITING = 32;
const JOB_TIMEOUT_MS = 15_000;
const IDLE_MS = 30_000;

interface Pending {
  readonly source: Uint8Array;
  readonly options: ImageOptions;
  readonly resolve: (result: Buffer) => void;
  readonly reject: (error: Error) => void;
}

export function createImageResizer(): ImageResizer {
  const waiting: Pending[] = [];
  const running = new Map<number, Pending & { readonly timer: NodeJS.Timeout }>();
  let child: ChildProcess | undefined;
  let idle: NodeJS.Timeout | undefined;
  let nextId = 1;

  function start(): ChildProcess {
    const started = fork(CHILD, [], {
      serialization: "advanced",
      execArgv: [],
      env: {},
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    started.on("message", (answer: ImageAnswer) => settle(answer));
    started.once("exit", () => {
      if (child === started) child = undefined;
      // A decoder that falls over says nothing of why: the picture is at fault.
      for (const id of running.keys()) settle({ id, refusal: "unreadable" });
    });
    started.once("error", () => started.kill("SIGKILL"));
    child = started;
    return started;
  }

  function settle(answer: ImageAnswer): void {
    const job = running.get(answer.id);
    if (job === undefined) return;
    running.delete(answer.id);
    clearTimeout(job.timer);
    if ("result" in answer) job.resolve(Buffer.from(answer.result));
    else job.reject(refusalOf(answer.refusal));
    pump();
  }

  function pump(): void {
    clearTimeout(idle);
    while (running.size < MAX_RUNNING) {
      const job = waiting.shift();
      if (job === undefined) break;
      const id = nextId++;
      const process = child ?? start();
      const timer = setTimeout(() => process.kill("SIGKILL"), JOB_TIMEOUT_MS);
      running.set(id, { ...job, timer });
      process.send({ id, source: job.source, options: job.options });
    }
    if (running.size > 0) return;
    idle = setTimeout(stop, IDLE_MS);
    idle.unref();
  }

  function stop(): void {
    clearTimeout(idle);
    child?.disconnect();
    child = undefined;
  }

  return {
    resize(source, options) {
      if (waiting.length >= MAX_WAITING) throw new AerostackError("SERVICE_UNAVAILABLE", { retryAfterSeconds: 1 });
      return new Promise((resolve, reject) => {
        waiting.push({ source, options, resolve, reject });
        pump();
      });
    },
    close() {
      for (const job of waiting.splice(0)) job.reject(new AerostackError("SERVICE_UNAVAILABLE"));
      stop();
    },
  };
}

function refusalOf(refusal: "unreadable" | "too-large"): AerostackError {
  return refusal === "too-large"
    ? new AerostackError("STORAGE_FILE_TOO_LARGE", {
        message: "The picture unfolds to more than 40 megapixels, or takes too long to read.",
        fix: "Store a smaller one.",
      })
    : new AerostackError("UNSUPPORTED_MEDIA_TYPE", {
        message: "The object is no picture that can be read.",
        fix: "JPEG, PNG, WebP, AVIF, GIF and TIFF can be made into other sizes.",
      });
}
