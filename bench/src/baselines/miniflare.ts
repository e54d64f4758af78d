// Cloudflare's local simulator with the workload, as its defaults are but for its data, which is on disk as ours is. By
// default it keeps no log; with `--log` it logs each request, as `wrangler dev` has it do.
// Usage: node miniflare.ts <data folder> [--log]
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { Log, LogLevel, Miniflare } from "miniflare";
import { COMPATIBILITY_DATE, WORKER_SOURCE } from "../workload/worker-source.ts";
import { announce } from "./announce.ts";

const [dataDir = "", option] = process.argv.slice(2);
if (dataDir === "") throw new Error("Usage: miniflare.ts <data folder> [--log]");

mkdirSync(dataDir, { recursive: true });

/** Writes to a file: standard output belongs to whoever waits for the address. */
class FileLog extends Log {
  private readonly file = createWriteStream(join(dataDir, "requests.log"));
  protected override log(message: string): void {
    this.file.write(`${message}\n`);
  }
}

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  // Its content, not its path: Miniflare runs no file outside the folder that it is started in.
  modules: [{ type: "ESModule", path: "worker.js", contents: WORKER_SOURCE }],
  compatibilityDate: COMPATIBILITY_DATE,
  kvNamespaces: ["CACHE"],
  d1Databases: ["DB"],
  kvPersist: join(dataDir, "kv"),
  d1Persist: join(dataDir, "d1"),
  ...(option === "--log" ? { log: new FileLog(LogLevel.INFO) } : {}),
  // It would ask the network for the location of the machine.
  cf: false,
});
const { port } = await miniflare.ready;
announce(`http://127.0.0.1:${port}`, () => miniflare.dispose());
