// Cloudflare's local simulator with the workload, its data on disk as ours is. Its request log and its pretty error pages
// are off: they only cost it speed. Usage: node miniflare.ts <data folder>
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { COMPATIBILITY_DATE, WORKER_PATH } from "../workload/worker-source.ts";
import { announce } from "./announce.ts";

const [dataDir] = process.argv.slice(2);
if (dataDir === undefined) throw new Error("Usage: miniflare.ts <data folder>");

const miniflare = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: true,
  scriptPath: fileURLToPath(WORKER_PATH),
  compatibilityDate: COMPATIBILITY_DATE,
  kvNamespaces: ["CACHE"],
  d1Databases: ["DB"],
  kvPersist: join(dataDir, "kv"),
  d1Persist: join(dataDir, "d1"),
  logRequests: false,
  // It would ask the network for the location of the machine.
  cf: false,
});
const { port } = await miniflare.ready;
announce(`http://127.0.0.1:${port}`, () => miniflare.dispose());
