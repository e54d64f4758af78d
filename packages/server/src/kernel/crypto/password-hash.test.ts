import { describe, expect, it } from "vitest";
import { createPasswordHasher, PASSWORD_ITERATIONS } from "./password-hash.ts";

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
    const hasher = createPasswordHasher(20_000);
    const results = await Promise.allSettled(Array.from({ length: 80 }, () => hasher.hash("Pass1234")));
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused).toHaveLength(80 - 2 - 64);
    expect(refused[0]).toMatchObject({ reason: { code: "SERVICE_UNAVAILABLE", retryAfterSeconds: 5 } });
  });
});
