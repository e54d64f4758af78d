import type { NetworkRules } from "@aerostack/contracts";
import { networkRulesSchema } from "@aerostack/contracts";
import { describe, expect, it } from "vitest";
import type { AuditTables } from "../../audit/tables.ts";
import { createLogger } from "../../kernel/log.ts";
import { createTestApp } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import { createFrontDoorSettings, type FrontDoorSettingsService } from "../settings/service.ts";
import { lets } from "./network-rules.ts";
import { createNetworkRoutes } from "./routes.ts";

const rules = (given: Partial<NetworkRules>): NetworkRules => networkRulesSchema.parse(given);

describe("P12 lists of addresses and countries", () => {
  const from = (ip: string, region: string | null = null) => ({ ip, region });

  it("refuse what is refused, and everything that is not allowed where something is", () => {
    const denied = rules({ denyAddresses: ["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"] });
    for (const ip of ["192.0.2.1", "192.0.2.255", "2001:db8:1::5", "198.51.100.7"])
      expect(lets(denied, from(ip))).toBe(false);
    for (const ip of ["192.0.3.1", "2001:db9::1", "198.51.100.8"]) expect(lets(denied, from(ip))).toBe(true);
    const allowed = rules({ allowAddresses: ["192.0.2.0/24"] });
    expect(lets(allowed, from("192.0.2.9"))).toBe(true);
    expect(lets(allowed, from("203.0.113.1"))).toBe(false);
    const countries = rules({ denyCountries: ["xx", "de"] });
    expect(lets(countries, from("203.0.113.1", "DE"))).toBe(false);
    expect(lets(countries, from("203.0.113.1", "IE"))).toBe(true);
    expect(lets(countries, from("203.0.113.1"))).toBe(true);
  });

  it("refuse the unknown where countries are allowed, and let an address decide before its country", () => {
    const onlyIreland = rules({ allowCountries: ["IE"], allowAddresses: ["192.0.2.1"], denyAddresses: ["192.0.2.2"] });
    expect(lets(onlyIreland, from("203.0.113.1", "IE"))).toBe(true);
    expect(lets(onlyIreland, from("203.0.113.1", "FR"))).toBe(false);
    expect(lets(onlyIreland, from("203.0.113.1"))).toBe(false);
    expect(lets(onlyIreland, from("192.0.2.1", "FR"))).toBe(true);
    expect(lets(onlyIreland, from("192.0.2.2", "IE"))).toBe(false);
    for (const ip of ["", "unknown", "999.1.1.1"]) expect(lets(onlyIreland, from(ip)), ip).toBe(false);
  });
});

describeEachControlDatabase("a project's network rules", (openDatabase) => {
  async function start() {
    const sql = await openDatabase();
    let settings: FrontDoorSettingsService | undefined;
    const test = await createTestApp(sql, {
      trustProxy: ["true"],
      extraRoutes(controlPlane) {
        const log = createLogger({ level: "silent" });
        settings = createFrontDoorSettings({ ...controlPlane, sql, clock: { now: () => Date.UTC(2026, 5, 1) }, log });
        return createNetworkRoutes({ settings });
      },
    });
    const ada = await test.createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    return { ...test, sql, ada, project, path: `/api/v1/projects/${project.id}` };
  }

  it("are stored whole or not at all, and audited before and after", async () => {
    const { ada, path, sql } = await start();
    const empty = {
      denyAddresses: [],
      allowAddresses: [],
      denyCountries: [],
      allowCountries: [],
      requestsPerMinutePerAddress: null,
    };
    expect((await ada.call("GET", `${path}/network`)).body).toEqual({ network: empty });
    for (const body of [
      { denyAddresses: ["192.0.2.0/33"] },
      { denyAddresses: ["localhost"] },
      { allowCountries: ["Ireland"] },
      { requestsPerMinutePerAddress: 0 },
      { unknown: 1 },
      { denyAddresses: Array(501).fill("192.0.2.1") },
    ]) {
      expect((await ada.call("PUT", `${path}/network`, body)).status, JSON.stringify(body).slice(0, 60)).toBe(400);
    }
    expect((await ada.call("GET", `${path}/network`)).body).toEqual({ network: empty });
    const put = await ada.call("PUT", `${path}/network`, { denyAddresses: ["192.0.2.0/24"], allowCountries: ["ie"] });
    expect(put.body.network).toEqual({ ...empty, denyAddresses: ["192.0.2.0/24"], allowCountries: ["IE"] });
    const entries = await sql.withTables<AuditTables>().db.selectFrom("audit_entries").selectAll().execute();
    const entry = entries.find(({ action }) => action === "network.changed");
    expect(JSON.parse(entry?.before ?? "")).toEqual(empty);
    expect(JSON.parse(entry?.after ?? "")).toEqual(put.body.network);
  });

  it("are not a stranger's, and an installation's not a developer's", async () => {
    const { createDeveloper, path, ada } = await start();
    const stranger = await createDeveloper("stranger@example.com");
    for (const [method, address, body] of [
      ["GET", `${path}/network`, undefined],
      ["PUT", `${path}/network`, {}],
      ["GET", `${path}/cors`, undefined],
      ["PUT", `${path}/cors`, { origins: ["*"] }],
      ["DELETE", `${path}/cors`, undefined],
    ] as const) {
      expect((await stranger.call(method, address, body)).status, `${method} ${address}`).toBe(404);
    }
    expect((await ada.call("GET", "/api/v1/admin/network")).status).toBe(403);
    expect((await ada.call("PUT", "/api/v1/admin/network", {})).status).toBe(403);
  });

  it("of an installation never lock out who sets them", async () => {
    const { createDeveloper, sql, call } = await start();
    const admin = await createDeveloper("admin@example.com");
    await sql
      .withTables<{ accounts: { id: string; is_admin: number } }>()
      .db.updateTable("accounts")
      .set({ is_admin: 1 })
      .where("id", "=", admin.user.id)
      .execute();
    const key = await call("POST", "/api/v1/account/keys", { body: { name: "admin" }, headers: admin.bearer });
    const put = (body: unknown) =>
      call("PUT", "/api/v1/admin/network", {
        body,
        headers: { "x-api-key": key.body.secret, "x-forwarded-for": "203.0.113.9" },
      });
    expect((await put({ denyAddresses: ["203.0.113.0/24"] })).body.error.code).toBe("CONFLICT");
    expect((await put({ allowAddresses: ["192.0.2.1"] })).body.error.code).toBe("CONFLICT");
    expect((await put({ denyAddresses: ["192.0.2.1"] })).status).toBe(200);
  });

  it("of pages of other origins take no credentials for all of them", async () => {
    const { ada, path } = await start();
    for (const body of [
      { origins: [] },
      { origins: ["*"], credentials: true },
      { origins: ["https://app.example.com", "*"], credentials: true },
      { origins: ["https://app.example.com/path"] },
      { origins: ["app.example.com"] },
      { origins: ["null"] },
      { origins: ["*"], methods: ["GET\r\nx: y"] },
      { origins: ["*"], headers: ["a b"] },
      { origins: ["*"], maxAgeSeconds: 86_401 },
    ]) {
      expect((await ada.call("PUT", `${path}/cors`, body)).status, JSON.stringify(body)).toBe(400);
    }
    expect((await ada.call("GET", `${path}/cors`)).body).toEqual({ cors: null });
    const set = await ada.call("PUT", `${path}/cors`, { origins: ["https://app.example.com"], credentials: true });
    expect(set.body.cors).toMatchObject({
      origins: ["https://app.example.com"],
      credentials: true,
      maxAgeSeconds: 600,
    });
    expect((await ada.call("DELETE", `${path}/cors`)).body).toEqual({ cors: null });
  });
});
