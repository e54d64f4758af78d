// Runs on whatever Node the machine has (20.19 or newer): installs what package-lock.json says when that is not what is
// installed, so that one command serves a fresh clone. Everything else runs on the Node that the project pins.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stampFile = `${root}node_modules/.aerostack-installed`;
const production = process.argv.includes("--omit=dev");
const wanted = createHash("sha256")
  .update(readFileSync(`${root}package-lock.json`))
  .digest("hex");

const [stampHash, stampScope] = existsSync(stampFile) ? readFileSync(stampFile, "utf8").split(" ") : [];
const satisfied = stampHash === wanted && (production || stampScope === "all");

if (!satisfied) {
  // An install that holds everything stays whole: `npm start` never removes the test tools of a checkout in use.
  const bare = !existsSync(`${root}node_modules`) || stampScope === "production";
  const scope = production && bare ? "production" : "all";
  process.stderr.write("Installing dependencies (first start or changed lock file) …\n");
  // `install` instead of `ci`: it keeps to the lock file too, and adds the binaries of a platform that the lock file was not
  // written on. `--no-save` leaves the lock file as it is.
  const args = ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  if (scope === "production") args.push("--omit=dev");
  const npm = process.env.npm_execpath;
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ["ignore", 2, 2] })
    : spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2], shell: process.platform === "win32" });
  if (result.status !== 0) {
    process.stderr.write("The install failed; npm's reason is above. The registry must be reachable once.\n");
    process.exit(result.status ?? 1);
  }
  writeFileSync(stampFile, `${wanted} ${scope}`);
  // The cache only saves time and memory: whatever goes wrong here shows at the start itself.
  spawnSync("node", ["packages/server/bin/warm-cache.mjs"], { cwd: root, stdio: "ignore" });
}
