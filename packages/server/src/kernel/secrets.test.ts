import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "@aerostack/kernel";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addMasterKey, addSigningKey, loadSecrets, SecretsError } from "./secrets.ts";

describe("secrets.json", () => {
  let parent: string;
  let folder: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "aerostack-secrets-"));
    folder = join(parent, "data");
  });
  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it("is made at the first start, readable by its owner only, and read at the next", () => {
    const made = loadSecrets(folder, systemClock);
    expect(statSync(join(folder, "secrets.json")).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(loadSecrets(folder, systemClock)).toEqual(made);
    expect(made.masterKeys[0].key).toHaveLength(32);
    expect(made.signingKeys[0].publicJwk).not.toHaveProperty("d");
  });

  it("refuses a file that others can read, and says what to run", () => {
    loadSecrets(folder, systemClock);
    chmodSync(join(folder, "secrets.json"), 0o644);
    expect(() => loadSecrets(folder, systemClock)).toThrow(/mode 644.*chmod 600/);
  });

  it("never replaces a damaged file", () => {
    loadSecrets(folder, systemClock);
    const path = join(folder, "secrets.json");
    writeFileSync(path, "{");
    expect(() => loadSecrets(folder, systemClock)).toThrow(SecretsError);
    expect(readFileSync(path, "utf8")).toBe("{");
  });

  it("puts new keys in front and keeps the old", () => {
    const before = loadSecrets(folder, systemClock);
    addMasterKey(folder, systemClock);
    const after = addSigningKey(folder, systemClock);
    expect(after.masterKeys).toHaveLength(2);
    expect(after.masterKeys[1]).toEqual(before.masterKeys[0]);
    expect(after.signingKeys[1]).toEqual(before.signingKeys[0]);
    expect(loadSecrets(folder, systemClock)).toEqual(after);
  });
});
