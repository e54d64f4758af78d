import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import { describe, expect, it } from "vitest";
import { createPasswordHasher, isPasswordSet, PASSWORD_ITERATIONS } from "./password-hash.ts";

describe("P26 password hashes", () => {
  it("use PBKDF2-SHA256 with 600,000 iterations and a salt of their own", async () => {
    const hasher = createPasswordHasher();
    expect(PASSWORD_ITERATIONS).toBe(600_000);
    const stored = await hasher.hash("Correct horse 1");
    expect(stored).toMatch(/^pbkdf2-sha256\$600000\$[\w-]{22}\$[\w-]{43}$/);
    expect(stored).not.toContain("Correct");
    expect(await hasher.verify("Correct horse 1", stored)).toEqual({ valid: true, rehash: false });
    expect(await hasher.verify("correct horse 1", stored)).toEqual({ valid: false, rehash: false });
  });

  it("of no password are opened by none, after the same work", async () => {
    const hasher = createPasswordHasher(1_000);
    const stored = hasher.none();
    expect(stored).toMatch(/^pbkdf2-sha256\$1000\$[\w-]{22}\$$/);
    expect([isPasswordSet(stored), isPasswordSet(await hasher.hash("Pass1234"))]).toEqual([false, true]);
    for (const password of ["", "$", "Pass1234"]) {
      expect(await hasher.verify(password, stored)).toEqual({ valid: false, rehash: false });
    }
  });

  it("are of the password as it was typed: all of it, with its spaces", async () => {
    const hasher = createPasswordHasher(1_000);
    const stored = await hasher.hash(` ${"x".repeat(198)} `);
    expect(await hasher.verify(` ${"x".repeat(198)} `, stored)).toEqual({ valid: true, rehash: false });
    for (const password of ["x".repeat(198), ` ${"x".repeat(198)}`, ` ${"X".repeat(198)} `, ` ${"x".repeat(71)}`]) {
      expect(await hasher.verify(password, stored)).toEqual({ valid: false, rehash: false });
    }
  });

  it("are re-made when their parameters are older, and only for the right password", async () => {
    const stored = await createPasswordHasher(1_000).hash("Pass1234");
    const today = createPasswordHasher(2_000);
    expect(await today.verify("Pass1234", stored)).toEqual({ valid: true, rehash: true });
    expect(await today.verify("Pass1235", stored)).toEqual({ valid: false, rehash: false });
  });

  it("are computed without stopping the event loop", async () => {
    const hasher = createPasswordHasher();
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    await hasher.hash("Correct horse 1");
    clearInterval(timer);
    expect(turns).toBeGreaterThan(10);
  });

  it("refuse a flood with Retry-After instead of queueing it without bound", async () => {
    const hasher = createPasswordHasher(10_000, { threads: 2 });
    const results = await Promise.allSettled(Array.from({ length: 80 }, () => hasher.hash("Pass1234")));
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused).toHaveLength(80 - 2 - 64);
    expect(refused[0]).toMatchObject({ reason: { code: "SERVICE_UNAVAILABLE", retryAfterSeconds: 5 } });
  });

  it.runIf(process.platform === "linux")("are computed by threads that give way to all others", async () => {
    const hasher = createPasswordHasher(600_000, { threads: 1 });
    await hasher.hash("Correct horse 1");
    const priorities = readdirSync("/proc/self/task").map((thread) => {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
      // The 17th field behind the name (proc(5)): nice.
      return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16]);
    });
    expect(priorities).toContain(10);
    expect(getPriority()).toBe(0);
  });

  it("go on after one that cannot be computed", async () => {
    const hasher = createPasswordHasher(600_000, { threads: 1 });
    const salt = Buffer.alloc(16);
    const impossible = { kind: "scrypt", password: "a", salt, n: 3, r: 8, p: 1, bytes: 32 } as const;
    const [first, second] = await Promise.allSettled([hasher.derive(impossible), hasher.hash("Pass1234")]);
    expect(first.status).toBe("rejected");
    expect(second.status).toBe("fulfilled");
    expect(await hasher.hash("Pass1234")).toContain("pbkdf2-sha256$600000$");
  });
});
