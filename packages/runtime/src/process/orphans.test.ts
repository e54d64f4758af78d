import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { sweepOrphans } from "./sweep-orphans.ts";

const SERVER = `
  import { systemClock } from "@aerostack/kernel";
  import { createRuntimeFixture, call } from "../runtime-fixture.ts";
  const fixture = await createRuntimeFixture({ dataDir: process.argv[1] });
  await fixture.runtime.configure(fixture.project([fixture.fn("api", "export default { fetch: () => new Response('ok') }")]));
  await call(fixture, "api@production@1");
  console.log(fixture.runtime.stats().projects[0].pid);
  setInterval(() => {}, 1000);
`;

function isRunning(pid: number): boolean {
  try {
    // A process that has ended stays as a zombie until someone reaps it.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

const directories: string[] = [];
function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "art-"));
  directories.push(directory);
  return directory;
}
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
});

describe.runIf(process.platform === "linux")("processes whose server died", () => {
  it("end with it, even when it is killed", async () => {
    const server = spawn(process.execPath, ["--input-type=module-typescript", "-e", SERVER, temporaryDirectory()], {
      cwd: import.meta.dirname,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = (await once(server.stdout, "data")) as [Buffer];
    const pid = Number(line.toString());
    expect(isRunning(pid)).toBe(true);
    server.kill("SIGKILL");
    await once(server, "close");
    while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
  });

  it("are found and ended at the next start, but no process that merely has their id", async () => {
    const workers = join(temporaryDirectory(), "w");
    const ours = join(workers, "ours");
    const stranger = join(workers, "stranger");
    for (const directory of [ours, stranger]) mkdirSync(directory, { recursive: true });
    // What matters of workerd here: its name in the command line and its working directory.
    const start = (cwd: string) =>
      spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", "workerd"], {
        cwd,
        detached: true,
        stdio: "ignore",
      });
    const [orphan, other] = [start(ours), start(tmpdir())];
    writeFileSync(join(ours, "pid"), String(orphan.pid));
    writeFileSync(join(stranger, "pid"), String(other.pid));
    const ended = once(orphan, "close");
    expect(await sweepOrphans(workers)).toBe(1);
    expect((await ended)[1]).toBe("SIGKILL");
    expect(isRunning(other.pid ?? 0)).toBe(true);
    expect(existsSync(workers) && readdirSync(workers)).toEqual([]);
    other.kill("SIGKILL");
  });
});
