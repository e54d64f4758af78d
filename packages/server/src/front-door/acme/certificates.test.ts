import { createPrivateKey, X509Certificate } from "node:crypto";
import { Agent } from "node:https";
import { createManualClock } from "@aerostack/kernel";
import acme from "acme-client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { listenPlain } from "../../edge/plain-http.ts";
import { createMemoryBus } from "../../kernel/bus/memory-bus.ts";
import { createChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import { createEnvelope } from "../../kernel/crypto/envelope.ts";
import { createLogger } from "../../kernel/log.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import { createTestSecrets } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { FrontDoorTables } from "../tables.ts";
import { makeCertificate } from "../tls/testing.ts";
import { createCertificates } from "./certificates.ts";
import { createOrderCertificate, type OrderCertificate } from "./order-certificate.ts";
import { hasPebble, type Pebble, startPebble } from "./pebble-testing.ts";

const DAY_MS = 24 * 60 * 60_000;
const MINUTE_MS = 60_000;

async function open(sql: Sql<unknown>, orderOf: (node: number) => OrderCertificate | undefined) {
  const clock = createManualClock(Date.now());
  const envelope = createEnvelope(createTestSecrets().masterKeys);
  const lines: string[] = [];
  const log = createLogger({ level: "debug", destination: { write: (line) => void lines.push(line) } });
  const server = (node: number) =>
    createCertificates({
      sql,
      clock,
      envelope,
      log,
      changes: createChangeFeed({ sql, clock, bus: createMemoryBus() }),
      order: orderOf(node),
    });
  const rows = sql.withTables<FrontDoorTables>().db;
  return { clock, envelope, lines, rows, nodes: [server(0), server(1)] as const };
}

describeEachControlDatabase("certificates of an authority", (openDatabase) => {
  it("are ordered once, however many servers look, and are there on every server within a second", async () => {
    let orders = 0;
    const pair = makeCertificate(["shop.example.com"], 90);
    const { clock, nodes, rows } = await open(await openDatabase(), () => async () => {
      orders++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { certificate: pair.cert, privateKey: pair.key };
    });
    const [here, there] = nodes;
    expect(await there.contextFor("shop.example.com")).toBeNull();
    expect(await here.ensure("Shop.Example.com")).toMatchObject({ status: "pending", notAfterMs: null });
    await here.ensure("shop.example.com");
    await Promise.all([here.work(), there.work(), here.work()]);
    await there.work();
    expect(orders).toBe(1);
    clock.advance(1_001);
    expect(await here.contextFor("shop.example.com")).not.toBeNull();
    expect(await there.contextFor("shop.example.com")).not.toBeNull();
    expect(await there.state("shop.example.com")).toMatchObject({ status: "valid", lastError: null });
    const [row] = await rows.selectFrom("acme_certificates").selectAll().execute();
    expect(JSON.stringify(row)).not.toContain("PRIVATE KEY");
  });

  it("are renewed when two thirds of their life are over, and served meanwhile", async () => {
    let orders = 0;
    const { clock, nodes } = await open(await openDatabase(), () => async () => {
      orders++;
      const { cert, key } = makeCertificate(["shop.example.com"], orders === 1 ? 90 : 180);
      return { certificate: cert, privateKey: key };
    });
    const [here] = nodes;
    await here.ensure("shop.example.com");
    await here.work();
    clock.advance(59 * DAY_MS);
    await here.work();
    expect(orders).toBe(1);
    clock.advance(2 * DAY_MS);
    expect(await here.contextFor("shop.example.com")).not.toBeNull();
    const served = await here.contextFor("shop.example.com");
    await here.work();
    expect(orders).toBe(2);
    expect(await here.contextFor("shop.example.com")).not.toBe(served);
  });

  it("are tried again later and later after failures, with the reason shown; the lease of a dead server ends", async () => {
    let orders = 0;
    const { clock, nodes, rows } = await open(await openDatabase(), () => async () => {
      orders++;
      throw new Error("DNS problem: NXDOMAIN");
    });
    const [here, there] = nodes;
    await here.ensure("shop.example.com");
    const attemptsMs: number[] = [];
    const startMs = clock.now();
    for (let minute = 0; minute < 100; minute++) {
      const before = orders;
      await here.work();
      if (orders > before) attemptsMs.push((clock.now() - startMs) / MINUTE_MS);
      clock.advance(MINUTE_MS);
    }
    expect(attemptsMs).toEqual([0, 5, 15, 35, 75]);
    expect(await here.state("shop.example.com")).toMatchObject({
      status: "failing",
      lastError: "DNS problem: NXDOMAIN",
    });
    await here.retry("shop.example.com");
    await rows
      .updateTable("acme_certificates")
      .set({ lease_until: clock.now() + 5 * MINUTE_MS })
      .execute();
    await there.work();
    expect(orders).toBe(5);
    clock.advance(5 * MINUTE_MS);
    await there.work();
    expect(orders).toBe(6);
    await there.remove("shop.example.com");
    expect(await there.state("shop.example.com")).toBeNull();
  });

  it("are refused for what is no public host name, and where there is no authority", async () => {
    const sql = await openDatabase();
    const { nodes } = await open(sql, (node) => (node === 0 ? async () => Promise.reject(new Error("no")) : undefined));
    const [here, without] = nodes;
    for (const name of [
      "localhost",
      "10.0.0.1",
      "a b.example.com",
      "-a.example.com",
      "*.example.com",
      "x.example.com/",
    ]) {
      await expect(here.ensure(name), name).rejects.toMatchObject({ code: "VALIDATION_ERROR" });
    }
    await expect(without.ensure("shop.example.com")).rejects.toMatchObject({ code: "ACME_NOT_CONFIGURED" });
    for (const token of ["", "../x", "a".repeat(300), "%00", "short"])
      expect(await here.answerChallenge(token)).toBeNull();
    expect(await here.list()).toEqual([]);
  });
});

describe.skipIf(!hasPebble)("a real ACME authority", () => {
  let pebble: Pebble;
  beforeAll(async () => {
    pebble = await startPebble();
    acme.axios.defaults.httpsAgent = new Agent({ ca: pebble.ca });
  });
  afterAll(() => pebble?.close());

  describeEachControlDatabase("issues", (openDatabase) => {
    it("P28 a certificate to one server while another answers its question, with the keys sealed", async () => {
      const sql = await openDatabase();
      const { clock, nodes, rows, envelope, lines } = await open(sql, () => undefined);
      const order = createOrderCertificate({
        sql,
        envelope,
        now: clock.now,
        directoryUrl: pebble.directoryUrl,
        email: "ops@example.com",
        pollMs: 50,
      });
      const ordering = createCertificates({
        sql,
        clock,
        envelope,
        log: createLogger({ level: "silent" }),
        changes: createChangeFeed({ sql, clock, bus: createMemoryBus() }),
        order,
      });
      // The other server of the installation is the one that the authority reaches.
      const plain = await listenPlain({
        host: "127.0.0.1",
        port: pebble.proofPort,
        httpsPort: 443,
        answerChallenge: nodes[1].answerChallenge,
      });
      try {
        await ordering.ensure("shop.example.com");
        await ordering.work();
        const state = await ordering.state("shop.example.com");
        expect(state).toMatchObject({ status: "valid", lastError: null });
        const [row] = await rows.selectFrom("acme_certificates").selectAll().execute();
        const certificate = new X509Certificate(row?.certificate ?? "");
        expect(certificate.checkHost("shop.example.com")).toBe("shop.example.com");
        expect(certificate.issuer).toMatch(/Pebble/);
        const key = envelope.open(row?.private_key ?? "", "certificate/shop.example.com");
        expect(certificate.checkPrivateKey(createPrivateKey(key))).toBe(true);
        const accounts = await rows.selectFrom("acme_accounts").selectAll().execute();
        expect(accounts).toHaveLength(1);
        expect(JSON.stringify([accounts, row, lines])).not.toContain("PRIVATE KEY");
        expect(await rows.selectFrom("acme_challenges").selectAll().execute()).toEqual([]);
        // A second host uses the same account.
        await ordering.ensure("api.example.com");
        await ordering.work();
        expect(await ordering.state("api.example.com")).toMatchObject({ status: "valid" });
        expect(await rows.selectFrom("acme_accounts").selectAll().execute()).toEqual(accounts);
      } finally {
        plain.close();
      }
    });
  });
});
