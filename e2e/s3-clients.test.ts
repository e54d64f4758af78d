import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { createS3Access, type S3Access } from "./harness/s3-access.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// The S3 endpoint through the command lines that people use, as their packages install them.

const run = promisify(execFile);
const MIB = 1024 * 1024;
const TIMEOUT_MS = 60_000;
const BIG_BYTES = 20 * MIB + 11;

let server: ServerProcess;
let developer: Developer;
let project: Project;
let access: S3Access;
let directory: string;
let big: Buffer;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("S3 clients");
  access = await createS3Access(developer, project);
  big = randomBytes(BIG_BYTES);
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "s3-clients-"));
  await mkdir(join(directory, "tree/deep"), { recursive: true });
  await writeFile(join(directory, "tree/a.txt"), "a");
  await writeFile(join(directory, "tree/deep/b ü.txt"), "b");
  await writeFile(join(directory, "tree/big.bin"), big);
  return () => rm(directory, { recursive: true, force: true });
});
afterAll(async () => {
  await server?.dispose();
});

function isInstalled(command: string): boolean {
  return (process.env.PATH ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Skips, and says why, where the machine lacks the client. */
function describeClient(command: string, packageName: string, define: () => void): void {
  const name = isInstalled(command) ? command : `${command} (skipped: install the package ${packageName})`;
  describe.skipIf(!isInstalled(command))(name, { timeout: TIMEOUT_MS }, define);
}

async function client(command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await run(command, args, {
    cwd: directory,
    maxBuffer: 16 * MIB,
    env: { PATH: process.env.PATH ?? "", HOME: directory, LANG: "C.UTF-8", ...env },
  });
  return stdout;
}

const fileOf = (path: string): Promise<Buffer> => readFile(join(directory, path));

describeClient("aws", "awscli", () => {
  const aws = (...args: string[]): Promise<string> =>
    client("aws", ["--endpoint-url", access.endpoint, ...args], {
      AWS_ACCESS_KEY_ID: access.accessKeyId,
      AWS_SECRET_ACCESS_KEY: access.secretAccessKey,
      AWS_DEFAULT_REGION: access.region,
      AWS_EC2_METADATA_DISABLED: "true",
    });

  test("syncs a tree there and back, large files in parts, and removes it", async () => {
    await aws("s3", "mb", "s3://from-aws");
    expect(await aws("s3", "ls")).toContain("from-aws");
    await aws("s3", "sync", "tree", "s3://from-aws/tree");
    const listed = await aws("s3", "ls", "--recursive", "s3://from-aws/");
    expect(listed).toContain("tree/deep/b ü.txt");
    await aws("s3", "sync", "s3://from-aws/tree", "back");
    expect((await fileOf("back/big.bin")).equals(big)).toBe(true);
    expect((await fileOf("back/deep/b ü.txt")).toString()).toBe("b");
    expect(await aws("s3", "sync", "tree", "s3://from-aws/tree")).toBe("");
    await aws("s3", "cp", "s3://from-aws/tree/big.bin", "s3://from-aws/copy.bin");
    await aws("s3", "mv", "s3://from-aws/copy.bin", "moved.bin");
    expect((await fileOf("moved.bin")).equals(big)).toBe(true);
    await aws("s3", "rb", "--force", "s3://from-aws");
    expect(await aws("s3", "ls")).not.toContain("from-aws");
  });

  test("reads, writes under a condition, and signs URLs", async () => {
    const put = ["s3api", "put-object", "--bucket", "default", "--key", "api.txt"];
    await aws(...put, "--body", "tree/a.txt", "--metadata", "k=v", "--checksum-algorithm", "SHA256");
    const head = JSON.parse(
      await aws("s3api", "head-object", "--bucket", "default", "--key", "api.txt", "--checksum-mode", "ENABLED"),
    );
    expect(head).toMatchObject({ ContentLength: 1, Metadata: { k: "v" }, ChecksumSHA256: expect.any(String) });
    await aws("s3api", "get-object", "--bucket", "default", "--key", "api.txt", "--range", "bytes=0-0", "out.txt");
    expect((await fileOf("out.txt")).toString()).toBe("a");
    const missing = ["s3api", "get-object", "--bucket", "default", "--key", "none", "x"];
    await expect(aws(...missing)).rejects.toMatchObject({ stderr: expect.stringContaining("(NoSuchKey)") });
    const url = (await aws("s3", "presign", "s3://default/api.txt")).trim();
    expect(await (await fetch(url)).text()).toBe("a");
  });
});

describeClient("rclone", "rclone", () => {
  const rclone = (...args: string[]): Promise<string> =>
    client("rclone", ["--config", join(directory, "none.conf"), ...args], {
      RCLONE_CONFIG_AERO_TYPE: "s3",
      RCLONE_CONFIG_AERO_PROVIDER: "Other",
      RCLONE_CONFIG_AERO_ACCESS_KEY_ID: access.accessKeyId,
      RCLONE_CONFIG_AERO_SECRET_ACCESS_KEY: access.secretAccessKey,
      RCLONE_CONFIG_AERO_ENDPOINT: access.endpoint,
      RCLONE_CONFIG_AERO_REGION: access.region,
    });

  test("copies a tree there and back, checks it, and purges it", async () => {
    await rclone("mkdir", "aero:from-rclone");
    await rclone("copy", "--s3-upload-cutoff", "8M", "--s3-chunk-size", "5M", "tree", "aero:from-rclone/tree");
    await rclone("check", "--download", "tree", "aero:from-rclone/tree");
    await rclone("check", "tree", "aero:from-rclone/tree");
    const listed = JSON.parse(await rclone("lsjson", "-R", "--hash", "aero:from-rclone"));
    expect(listed.map((one: { Path: string }) => one.Path).sort()).toEqual([
      "tree",
      "tree/a.txt",
      "tree/big.bin",
      "tree/deep",
      "tree/deep/b ü.txt",
    ]);
    await rclone("copy", "aero:from-rclone/tree", "back");
    expect((await fileOf("back/big.bin")).equals(big)).toBe(true);
    await rclone("moveto", "aero:from-rclone/tree/a.txt", "aero:from-rclone/renamed.txt");
    expect(await rclone("cat", "aero:from-rclone/renamed.txt")).toBe("a");
    await rclone("purge", "aero:from-rclone");
    expect(await rclone("lsd", "aero:")).not.toContain("from-rclone");
  });

  test("keeps times, so a second sync has nothing to do", async () => {
    await rclone("sync", "tree", "aero:default/synced");
    const again = await run(
      "rclone",
      ["--config", join(directory, "none.conf"), "sync", "-v", "--stats-one-line", "tree", "aero:default/synced"],
      {
        cwd: directory,
        env: {
          PATH: process.env.PATH ?? "",
          RCLONE_CONFIG_AERO_TYPE: "s3",
          RCLONE_CONFIG_AERO_PROVIDER: "Other",
          RCLONE_CONFIG_AERO_ACCESS_KEY_ID: access.accessKeyId,
          RCLONE_CONFIG_AERO_SECRET_ACCESS_KEY: access.secretAccessKey,
          RCLONE_CONFIG_AERO_ENDPOINT: access.endpoint,
        },
      },
    );
    expect(again.stderr).not.toContain("Copied");
  });
});

describeClient("s3cmd", "s3cmd", () => {
  async function s3cmd(...args: string[]): Promise<string> {
    // s3cmd knows hosts and no paths: the server itself is its endpoint.
    const { host } = new URL(access.endpoint);
    await writeFile(
      join(directory, ".s3cfg"),
      [
        "[default]",
        `access_key = ${access.accessKeyId}`,
        `secret_key = ${access.secretAccessKey}`,
        `host_base = ${host}`,
        `host_bucket = ${host}`,
        "use_https = False",
        `bucket_location = ${access.region}`,
        "multipart_chunk_size_mb = 5",
      ].join("\n"),
    );
    return await client("s3cmd", ["--no-progress", ...args]);
  }

  test("puts, lists, gets, publishes and deletes", async () => {
    await s3cmd("put", "tree/a.txt", "s3://default/cmd/a.txt");
    await s3cmd("put", "tree/big.bin", "s3://default/cmd/big.bin");
    await s3cmd("put", "tree/deep/b ü.txt", "s3://default/cmd/b ü.txt");
    const listed = await s3cmd("ls", "s3://default/cmd/");
    expect(listed).toContain("s3://default/cmd/b ü.txt");
    await s3cmd("get", "s3://default/cmd/big.bin", "back.bin");
    expect((await fileOf("back.bin")).equals(big)).toBe(true);
    expect(await s3cmd("info", "s3://default/cmd/a.txt")).toMatch(/File size: 1\b/);
    await s3cmd("setacl", "--acl-public", "s3://default/cmd/a.txt");
    expect((await fetch(`${server.url}/storage/${project.slug}/cmd/a.txt`)).status).toBe(200);
    await s3cmd("cp", "s3://default/cmd/a.txt", "s3://default/cmd/c.txt");
    await s3cmd("del", "--recursive", "--force", "s3://default/cmd/");
    expect(await s3cmd("ls", "s3://default/cmd/")).toBe("");
  });
});
