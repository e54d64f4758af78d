import { generateKeyPairSync, sign } from "node:crypto";
import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { MAX_STALENESS_MS } from "../../kernel/change-feed/change-feed.ts";
import { newKey } from "../../kernel/crypto/new-key.ts";
import { createTestApp, createTestSecrets, TEST_START_MS, type TestAppOptions } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";

const SCANNER_KEYS = "https://scanner.test/keys";

/** A scanner that signs reports, and publishes its public key. */
function createScanner(id = "scanner-1") {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const published = {
    public_keys: [
      { key_identifier: id, key: publicKey.export({ format: "pem", type: "spki" }).toString(), is_current: true },
    ],
  };
  const signed = (report: unknown) => {
    const body = JSON.stringify(report);
    const headers = {
      "content-type": "application/json",
      "github-public-key-identifier": id,
      "github-public-key-signature": sign("sha256", Buffer.from(body), privateKey).toString("base64"),
    };
    return { body, headers };
  };
  return { published, signed };
}

describeEachControlDatabase("leaked keys", (openDatabase) => {
  async function start(options: TestAppOptions = {}) {
    const sql = await openDatabase();
    const clock = createManualClock(TEST_START_MS);
    const secrets = createTestSecrets();
    const test = await createTestApp(sql, { clock, secrets, ...options });
    const ada = await test.createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    const validate = (key: string, on = test) =>
      on.call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": key } }).then(({ status }) => status);
    const report = (keys: unknown, foundAt?: string) =>
      test.call("POST", "/api/v1/leaked-keys", { body: { keys, ...(foundAt === undefined ? {} : { foundAt }) } });
    return { ...test, sql, secrets, ada, project, validate, report };
  }

  it("are revoked on every server within a second by a report of anybody, and their owner is told", async () => {
    const test = await start();
    const { ada, project, clock } = test;
    const other = await createTestApp(test.sql, { clock, secrets: test.secrets });
    const secretKey = await ada.createKey(project, "secret");
    expect(await test.validate(secretKey.secret, other)).toBe(200);
    expect(await test.validate(ada.accountKey, other)).toBe(200);
    const answer = await test.report([secretKey.secret, ada.accountKey], "https://paste.example/1");
    expect(answer).toMatchObject({ status: 202, body: { received: 2 } });
    expect(await test.validate(secretKey.secret)).toBe(401);
    expect(await test.validate(ada.accountKey)).toBe(401);
    clock.advance(MAX_STALENESS_MS);
    expect(await test.validate(secretKey.secret, other)).toBe(401);
    expect(await test.validate(ada.accountKey, other)).toBe(401);

    const mail = (await test.readMail("ada@example.com")).filter(({ kind }) => kind === "key-leaked");
    expect(mail.map(({ subject }) => subject)).toEqual(Array(2).fill("A key of yours was found in public"));
    expect(mail.map(({ text }) => text).join()).toContain(secretKey.secret.slice(0, 9));
    // Strangers choose it: a mail of the installation must not carry their link.
    expect(JSON.stringify(mail)).not.toContain("paste.example");
    expect(JSON.stringify(mail)).not.toContain(secretKey.secret);
    const { body } = await test.call("GET", "/api/v1/account/notices", { headers: ada.bearer });
    expect(body.notices).toMatchObject(Array(2).fill({ severity: "critical" }));
  });

  it("leave one audit entry each, with where they were found and without the key", async () => {
    const test = await start();
    const { ada, project } = test;
    const secretKey = await ada.createKey(project, "secret");
    await test.report([secretKey.secret, secretKey.secret], `https://paste.example/?k=${secretKey.secret}`);
    await test.report([secretKey.secret]);
    const { body } = await test.call(
      "GET",
      `/api/v1/organisations/${project.organisationId}/audit?action=key.revoked`,
      { headers: ada.bearer },
    );
    expect(body.entries).toMatchObject([
      {
        actor: { kind: "anonymous" },
        target: { kind: "key", id: secretKey.id },
        projectId: project.id,
        after: { reason: "leaked", foundAt: expect.stringContaining("https://paste.example/") },
      },
    ]);
    expect(JSON.stringify(body)).not.toContain(secretKey.secret);
    expect(test.logLines.join("\n")).not.toContain(secretKey.secret);
  });

  it("are answered alike, whatever they are: unknown, revoked, expired, public or no key at all", async () => {
    const test = await start();
    const { ada, project, clock } = test;
    const publicKey = await ada.createKey(project, "public");
    const expiring = await ada.createKey(project, "secret", { expiresAt: new Date(clock.now() + 1_000).toISOString() });
    const revoked = await ada.createKey(project, "secret");
    const live = await ada.createKey(project, "secret");
    await ada.call("DELETE", `/api/v1/projects/${project.id}/keys/${revoked.id}`);
    clock.advance(1_000);
    const texts = [
      newKey("sk").secret,
      newKey("ak").secret,
      revoked.secret,
      expiring.secret,
      publicKey.secret,
      "sk_",
      "?",
    ];
    const answers = [];
    for (const text of [...texts, live.secret]) answers.push(await test.report([text]));
    const shown = answers.map(({ status, body, headers }) => ({ status, body, type: headers.get("content-type") }));
    expect(new Set(shown.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(shown[0]).toMatchObject({ status: 202, body: { received: 1 } });
    // Everybody may read a public key in a page: nobody may switch the page off by reporting it.
    expect(await test.validate(publicKey.secret)).toBe(200);
    expect((await test.readMail()).filter(({ kind }) => kind === "key-leaked")).toHaveLength(1);
  });

  it("are reported ten times a minute from one address, a hundred at a time", async () => {
    const test = await start();
    const key = newKey("sk").secret;
    expect((await test.report(Array(101).fill(key))).status).toBe(400);
    expect((await test.report([])).status).toBe(400);
    expect((await test.report("sk_1")).status).toBe(400);
    expect((await test.report(["x".repeat(1_001)])).status).toBe(400);
    for (let count = 0; count < 10; count++) expect((await test.report([key])).status).toBe(202);
    const refused = await test.report([key]);
    expect(refused).toMatchObject({ status: 429, body: { error: { code: "RATE_LIMIT_EXCEEDED" } } });
    test.clock.advance(120_000);
    expect((await test.report([key])).status).toBe(202);
  });

  it("come signed from a secret scanner, in GitHub's format", async () => {
    const scanner = createScanner();
    let asked = 0;
    const test = await start({
      secretScanningKeys: SCANNER_KEYS,
      fetch: async (url) => {
        expect(url).toBe(SCANNER_KEYS);
        asked++;
        return Response.json(scanner.published);
      },
    });
    const send = (request: { body: string; headers: Record<string, string> }) =>
      test.call("POST", "/api/v1/leaked-keys/github", request);
    const key = await test.ada.createKey(test.project, "secret");
    const found = [
      { token: key.secret, type: "aerostack_secret_key", url: "https://github.com/a/b/blob/1/c", source: "content" },
      { token: newKey("ak").secret, type: "aerostack_account_key", url: "https://github.com/a/b/blob/1/d" },
    ];
    const changed = { ...scanner.signed(found), body: JSON.stringify([found[0]]) };
    expect(await send(changed)).toMatchObject({ status: 403, body: { error: { code: "FORBIDDEN" } } });
    expect((await send({ body: changed.body, headers: { "content-type": "application/json" } })).status).toBe(403);
    expect((await send(createScanner("scanner-1").signed(found))).status).toBe(403);
    expect((await send(createScanner("another").signed(found))).status).toBe(403);
    expect(await test.validate(key.secret)).toBe(200);

    expect(await send(scanner.signed(found))).toMatchObject({ status: 202, body: { received: 2 } });
    expect(await test.validate(key.secret)).toBe(401);
    const [mail] = (await test.readMail()).filter(({ kind }) => kind === "key-leaked");
    expect(mail?.text).toContain("GitHub secret scanning");
    expect(await send(scanner.signed({ token: "x" }))).toMatchObject({ status: 400 });
    expect(asked, "the public keys are asked for once a minute at most").toBe(1);
    // What is signed does not count towards the limit of its address.
    for (let count = 0; count < 12; count++) expect((await send(scanner.signed(found))).status).toBe(202);
  });

  it("are taken from no scanner where none is set, and from none while its keys cannot be read", async () => {
    const scanner = createScanner();
    const off = await start();
    const signed = scanner.signed([]);
    expect((await off.call("POST", "/api/v1/leaked-keys/github", signed)).status).toBe(404);
    const down = await start({
      secretScanningKeys: SCANNER_KEYS,
      fetch: async () => new Response("no", { status: 502 }),
    });
    expect((await down.call("POST", "/api/v1/leaked-keys/github", signed)).status).toBe(503);
  });
});
