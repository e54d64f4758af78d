// nginx serving one folder, as Debian packages it, with a configuration and a port of its own: never the system's service.
// Usage: node nginx.ts <folder of files> <folder for its own files>
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { announce } from "./announce.ts";

const [files, own] = process.argv.slice(2);
if (files === undefined || own === undefined) throw new Error("Usage: nginx.ts <files> <own folder>");

/** As many workers as Debian's configuration has: one for each core. */
const CONFIGURATION = (port: number): string => `
worker_processes auto;
daemon off;
pid ${join(own, "nginx.pid")};
error_log stderr crit;
events { worker_connections 1024; }
http {
  sendfile on;
  tcp_nopush on;
  access_log off;
  client_body_temp_path ${join(own, "body")};
  proxy_temp_path ${join(own, "proxy")};
  fastcgi_temp_path ${join(own, "fastcgi")};
  uwsgi_temp_path ${join(own, "uwsgi")};
  scgi_temp_path ${join(own, "scgi")};
  server { listen 127.0.0.1:${port}; root ${files}; }
}
`;
const START_TIMEOUT_MS = 10_000;
const POLL_MS = 50;

mkdirSync(own, { recursive: true });
const port = await freePort();
const configuration = join(own, "nginx.conf");
writeFileSync(configuration, CONFIGURATION(port));
const child = spawn("nginx", ["-p", own, "-c", configuration], { stdio: ["ignore", "inherit", "inherit"] });
const exited = new Promise<void>((resolve, reject) => {
  child.once("error", reject);
  child.once("exit", () => resolve());
});
const url = `http://127.0.0.1:${port}`;

async function untilItAnswers(): Promise<void> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await delay(POLL_MS)) {
    const answers = await fetch(url).then(
      () => true,
      () => false,
    );
    if (answers) return;
  }
  throw new Error("nginx did not answer in time.");
}

await Promise.race([untilItAnswers(), exited.then(() => Promise.reject(new Error("nginx ended at start.")))]);
announce(url, async () => {
  child.kill("SIGTERM");
  await exited;
});
