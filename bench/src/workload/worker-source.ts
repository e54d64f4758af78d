import { readFileSync } from "node:fs";

/** File of the Worker that every contestant runs. */
export const WORKER_PATH = new URL("worker.js", import.meta.url);
export const WORKER_SOURCE = readFileSync(WORKER_PATH, "utf8");
/** Old enough for the workerd of every contestant. */
export const COMPATIBILITY_DATE = "2026-06-01";
