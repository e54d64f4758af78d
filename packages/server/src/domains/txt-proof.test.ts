import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startNameServer, type TestNameServer } from "./dns-testing.ts";
import { createProofToken, createTxtProof, createTxtResolver, proofRecord, type TxtProof } from "./txt-proof.ts";

describe("the proof of a domain by a TXT record", () => {
  let dns: TestNameServer;
  let proof: TxtProof;
  beforeAll(async () => {
    dns = await startNameServer();
    proof = createTxtProof(createTxtResolver([dns.address]));
  });
  afterAll(() => dns.close());

  it("is found among other records, and only with its own token", async () => {
    const token = createProofToken();
    const { name, value } = proofRecord("shop.example", token);
    expect(name).toBe("_aerostack-challenge.shop.example");
    dns.records.set(name, ["something else", value]);
    expect(await proof.check("shop.example", token)).toBe("proven");
    expect(await proof.check("shop.example", createProofToken())).toBe("missing");
    expect(await proof.check("shop.example", "")).toBe("missing");
  });

  it("is not found at the domain itself, above it or below it", async () => {
    const token = createProofToken();
    const { value } = proofRecord("a.example", token);
    for (const name of ["a.example", "_aerostack-challenge.example", "_aerostack-challenge.b.a.example"])
      dns.records.set(name, [value]);
    expect(await proof.check("a.example", token)).toBe("missing");
  });

  it("is not told by a record that only begins or ends with the value", async () => {
    const token = createProofToken();
    const { name, value } = proofRecord("b.example", token);
    dns.records.set(name, [`${value}x`, `x${value}`, value.slice(0, -1), value.toUpperCase()]);
    expect(await proof.check("b.example", token)).toBe("missing");
  });

  it("is read whole where the record travels in pieces", async () => {
    const token = "t".repeat(300);
    const { name, value } = proofRecord("c.example", token);
    dns.records.set(name, [value]);
    expect(await proof.check("c.example", token)).toBe("proven");
  });

  it("is missing where the DNS says so, and unknown where it does not answer", async () => {
    expect(await proof.check("nothing.example", createProofToken())).toBe("missing");
    dns.records.set("_aerostack-challenge.empty.example", []);
    expect(await proof.check("empty.example", createProofToken())).toBe("missing");
    dns.failing = true;
    expect(await proof.check("shop.example", createProofToken())).toBe("unknown");
    dns.failing = false;
  });
});
