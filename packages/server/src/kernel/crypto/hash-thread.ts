// A thread that derives password hashes, one after another. Its priority is low, so that requests that log nobody in take
// the processor from it whenever they want it; not the lowest, so that a busy machine still logs people in.
import { argon2Sync, pbkdf2Sync, scryptSync } from "node:crypto";
import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import type { HashJob, HashResult } from "./hash-job.ts";

// On Linux a priority belongs to a thread; elsewhere it would be that of the whole server.
if (process.platform === "linux") setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);

const BYTES_PER_BLOCK = 128;
const SCRYPT_SPARE_BYTES = 1024 * 1024;

async function derive(job: HashJob): Promise<HashResult> {
  switch (job.kind) {
    case "pbkdf2":
      return pbkdf2Sync(job.password, job.salt, job.rounds, job.bytes, job.digest);
    case "scrypt": {
      const { n, r, p } = job;
      const maxmem = BYTES_PER_BLOCK * r * (n + p) + SCRYPT_SPARE_BYTES;
      return scryptSync(job.password, job.salt, job.bytes, { N: n, r, p, maxmem });
    }
    case "argon2":
      return argon2Sync(job.variant, {
        message: job.password,
        nonce: job.salt,
        memory: job.memoryKib,
        passes: job.passes,
        parallelism: job.parallelism,
        tagLength: job.bytes,
      });
    case "bcrypt": {
      const { default: bcrypt } = await import("bcryptjs");
      return Buffer.from(bcrypt.hashSync(job.password, job.stored.slice(0, BCRYPT_SALT_CHARACTERS)));
    }
    default:
      return job satisfies never;
  }
}

/** `$2b$` + two digits + `$` + 22 characters. */
const BCRYPT_SALT_CHARACTERS = 29;

parentPort?.on("message", (job: HashJob) => {
  derive(job).then(
    (result) => parentPort?.postMessage({ result: new Uint8Array(result) }),
    (error: unknown) => parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
});
