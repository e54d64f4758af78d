import { createManualClock } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { createEnvelope } from "../../kernel/crypto/envelope.ts";
import { createTestApp, createTestSecrets, TEST_START_MS } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { Delivery, EndpointAddress } from "./deliver.ts";
import { createQueueEndpointRoutes } from "./routes.ts";
import { createQueueEndpoints, OLD_SECRET_MS, type QueueEndpoints } from "./service.ts";
import type { QueueEndpointTables } from "./tables.ts";

const URL_OF_SHOP = "https://shop.example.com/hook";

describeEachControlDatabase("endpoints of queues", (openDatabase) => {
  async function open(functionOf: (queue: string) => string | null = () => null) {
    const sql = await openDatabase();
    const clock = createManualClock(TEST_START_MS);
    const secrets = createTestSecrets();
    const delivered: EndpointAddress[] = [];
    const woken: string[] = [];
    const outcomes: Delivery[] = [];
    let endpoints: QueueEndpoints | undefined;
    const app = await createTestApp(sql, {
      clock,
      secrets,
      extraRoutes(controlPlane) {
        endpoints = createQueueEndpoints({
          sql,
          clock,
          changes: controlPlane.changes,
          envelope: createEnvelope(secrets.masterKeys),
          async deliver(address) {
            delivered.push(address);
            return outcomes.shift() ?? { isTaken: true };
          },
          random: () => 0.5,
          isPrivateAllowed: (url) => url.host === "127.0.0.1:9999",
          functionOf: async (_projectId, queue) => functionOf(queue),
          wake: (_projectId, queue) => void woken.push(queue),
        });
        return createQueueEndpointRoutes({ endpoints });
      },
    });
    if (endpoints === undefined) throw new Error("not made");
    const developer = await app.createDeveloper("ada@example.com");
    const project = await developer.createProject("shop");
    const path = `/api/v1/projects/${project.id}/queues/orders/endpoint`;
    return { ...app, sql, endpoints, developer, project, path, delivered, woken, outcomes };
  }

  const message = (id: string, attempts = 1) => ({ id, attempts, contentType: "json", body: "e30=" });

  it("shows the signing secret once, and keeps it sealed", async () => {
    const { developer, path, sql, endpoints, project, delivered, woken } = await open();
    const made = await developer.call("PUT", path, { url: URL_OF_SHOP });
    expect(made.status).toBe(200);
    expect(made.body).toMatchObject({
      endpoint: { queue: "orders", url: URL_OF_SHOP, maxRetries: 15, deadLetterQueue: "orders-dead" },
      secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
    });
    expect(woken).toEqual(["orders"]);
    const again = await developer.call("PUT", path, { url: `${URL_OF_SHOP}/2`, maxRetries: 1 });
    expect(again.body).toMatchObject({ endpoint: { url: `${URL_OF_SHOP}/2`, maxRetries: 1 }, secret: null });
    const shown = await developer.call("GET", path);
    expect(JSON.stringify(shown.body)).not.toContain("whsec_");
    const [row] = await sql.withTables<QueueEndpointTables>().db.selectFrom("queue_endpoints").selectAll().execute();
    expect(row?.secrets).toMatch(/^v1\./);

    const consumer = await endpoints.findConsumer(project.id, "orders");
    if (consumer === null) throw new Error("no consumer");
    await endpoints.deliver(consumer, [message("a")]);
    expect(delivered).toEqual([{ queue: "orders", url: `${URL_OF_SHOP}/2`, secrets: [made.body.secret] }]);
  });

  it("signs by the old secret beside the new one for a day after the change", async () => {
    const { developer, path, endpoints, project, delivered, clock } = await open();
    const first: string = (await developer.call("PUT", path, { url: URL_OF_SHOP })).body.secret;
    const rotated = await developer.call("POST", `${path}/secret`);
    const second: string = rotated.body.secret;
    expect(rotated.body.previousUntil).toBe(new Date(clock.now() + OLD_SECRET_MS).toISOString());
    const deliver = async () => {
      const consumer = await endpoints.findConsumer(project.id, "orders");
      if (consumer === null) throw new Error("no consumer");
      await endpoints.deliver(consumer, [message("a")]);
      return delivered.at(-1)?.secrets;
    };
    expect(await deliver()).toEqual([second, first]);
    clock.advance(OLD_SECRET_MS);
    expect(await deliver()).toEqual([second]);
  });

  it("tells of each message what became of it, and waits longer after each failure", async () => {
    const { developer, path, endpoints, project, outcomes } = await open();
    await developer.call("PUT", path, { url: URL_OF_SHOP });
    const consumer = await endpoints.findConsumer(project.id, "orders");
    if (consumer === null) throw new Error("no consumer");
    outcomes.push(
      { isTaken: true },
      { isTaken: false, error: "down", retryAfterSeconds: null },
      { isTaken: false, error: "busy", retryAfterSeconds: 100 },
    );
    expect(await endpoints.deliver(consumer, [message("a"), message("b", 4), message("c", 1)])).toEqual({
      acks: ["a"],
      retries: [
        { id: "b", delaySeconds: 30, error: "down" },
        { id: "c", delaySeconds: 100, error: "busy" },
      ],
    });
  });

  it("is gone for the delivery as soon as it is removed, and a new one has a new secret", async () => {
    const { developer, path, endpoints, project } = await open();
    const first = await developer.call("PUT", path, { url: URL_OF_SHOP });
    expect(await endpoints.findConsumer(project.id, "orders")).not.toBeNull();
    expect((await developer.call("DELETE", path)).body).toEqual({ success: true });
    expect(await endpoints.findConsumer(project.id, "orders")).toBeNull();
    for (const answer of [await developer.call("GET", path), await developer.call("DELETE", path)]) {
      expect([answer.status, answer.body.error.code]).toEqual([404, "NOT_FOUND"]);
    }
    const second = await developer.call("PUT", path, { url: URL_OF_SHOP });
    expect(second.body.secret).not.toBe(first.body.secret);
  });

  it("is not made where a function consumes the queue", async () => {
    const { developer, path } = await open((queue) => (queue === "orders" ? "worker" : null));
    const refused = await developer.call("PUT", path, { url: URL_OF_SHOP });
    expect([refused.status, refused.body.error.code]).toEqual([409, "CONFLICT"]);
    expect(refused.body.error.message).toContain("'worker'");
    expect((await developer.call("PUT", path.replace("orders", "mails"), { url: URL_OF_SHOP })).status).toBe(200);
  });

  it("gives a message up at once that it could never take", async () => {
    const { developer, path, endpoints, project, outcomes } = await open();
    await developer.call("PUT", path, { url: URL_OF_SHOP });
    const consumer = await endpoints.findConsumer(project.id, "orders");
    if (consumer === null) throw new Error("no consumer");
    outcomes.push({ isTaken: false, error: "never", retryAfterSeconds: null, isFinal: true });
    outcomes.push({ isTaken: false, error: "later", retryAfterSeconds: null });
    const { acks, retries } = await endpoints.deliver(consumer, [message("a"), message("b")]);
    expect(acks).toEqual([]);
    expect(retries).toEqual([
      { id: "a", delaySeconds: 0, error: "never", isFinal: true },
      { id: "b", delaySeconds: expect.any(Number), error: "later" },
    ]);
  });

  it("takes https addresses only, but for private hosts that the operator opened", async () => {
    const { developer, path } = await open();
    for (const body of [
      {},
      { url: "http://shop.example.com/" },
      { url: "ftp://shop.example.com/" },
      { url: "javascript:alert(1)" },
      { url: "not a url" },
      { url: "https://ada:secret@shop.example.com/" },
      { url: `https://shop.example.com/${"x".repeat(2000)}` },
      { url: URL_OF_SHOP, maxRetries: 31 },
      { url: URL_OF_SHOP, deadLetterQueue: "orders" },
      { url: URL_OF_SHOP, deadLetterQueue: "No Name" },
    ]) {
      const answer = await developer.call("PUT", path, body);
      expect([answer.status, answer.body.error?.code, body]).toEqual([400, "VALIDATION_ERROR", body]);
    }
    expect((await developer.call("PUT", path, { url: "http://127.0.0.1:9999/hook" })).status).toBe(200);
  });

  it("keeps staging's dead letters in staging", async () => {
    const { developer, path } = await open();
    const made = await developer.call("PUT", path.replace("orders", "orders-staging"), { url: URL_OF_SHOP });
    expect(made.body.endpoint.deadLetterQueue).toBe("orders-dead-staging");
  });

  it("is nothing to somebody else: not even that it is there", async () => {
    const { developer, path, createDeveloper } = await open();
    await developer.call("PUT", path, { url: URL_OF_SHOP });
    const stranger = await createDeveloper("mallory@example.com");
    for (const [method, address, body] of [
      ["GET", path, undefined],
      ["PUT", path, { url: "https://evil.example.com/" }],
      ["POST", `${path}/secret`, undefined],
      ["DELETE", path, undefined],
    ] as const) {
      const answer = await stranger.call(method, address, body);
      const missing = await stranger.call(method, address.replace(/prj_\w+/, "prj_missing"), body);
      expect(answer.status).toBe(404);
      expect(answer.body.error.code).toBe(missing.body.error.code);
    }
    expect((await developer.call("GET", path)).body.endpoint.url).toBe(URL_OF_SHOP);
  });
});
