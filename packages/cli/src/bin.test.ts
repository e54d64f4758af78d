import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const bin = fileURLToPath(new URL("../bin/aerostack.mjs", import.meta.url));
const run = promisify(execFile);

/** A Node on this machine that cannot run TypeScript, where there is one. */
const oldNode = ["/usr/bin/node", "/usr/local/bin/node"].find((path) => {
  if (!existsSync(path)) return false;
  const [major = 0, minor = 0] = spawnSync(path, ["-p", "process.versions.node"], { encoding: "utf8" })
    .stdout.split(".")
    .map(Number);
  return major < 22 || (major === 22 && minor < 18);
});

it("starts as a process, says nothing but its answer, and passes its exit code on", async () => {
  const version = await run(process.execPath, [bin, "--version"]);
  expect(version).toEqual({ stdout: "0.1.0\n", stderr: "" });
  await expect(run(process.execPath, [bin, "nonsense"])).rejects.toMatchObject({ code: 2, stdout: "" });
});

it.skipIf(oldNode === undefined)("hands over to the pinned Node when the machine's is too old", async () => {
  const node = oldNode ?? "";
  expect(await run(node, [bin, "--version"])).toEqual({ stdout: "0.1.0\n", stderr: "" });
  await expect(run(node, [bin, "nonsense"])).rejects.toMatchObject({ code: 2 });
});
