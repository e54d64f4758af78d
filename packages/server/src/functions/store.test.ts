import { deployConfigSchema } from "@aerostack/contracts";
import { createId } from "@aerostack/kernel";
import { expect, it } from "vitest";
import { NO_AUDIT } from "../audit/record.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { createCronStore } from "./cron-store.ts";
import { createSecretStore } from "./secret-store.ts";
import { createFunctionStore, type NewVersion } from "./store.ts";
import type { FunctionTables } from "./tables.ts";

const NOW = 1_800_000_000_000;

function version(crons: string[] = []): NewVersion {
  return {
    id: createId("ver", NOW),
    modules: [{ name: "worker.js", type: "esm", sha256: "00", sizeBytes: 2 }],
    assets: [],
    compatibilityDate: "2026-01-01",
    compatibilityFlags: ["nodejs_compat"],
    config: deployConfigSchema.parse({ crons }),
    sizeBytes: 2,
    createdAt: NOW,
    createdBy: "usr_1",
  };
}

function target(name = "api", id = createId("fn", NOW)) {
  return { id, projectId: "prj_1", name, isPublic: false, createdAt: NOW };
}

describeEachControlDatabase("the function store", (openDatabase) => {
  async function open() {
    const sql: Sql<unknown> = await openDatabase();
    return sql.withTables<FunctionTables>();
  }

  it("numbers versions without gaps or doubles, also when deployments race", async () => {
    const store = createFunctionStore(await open());
    const made = await Promise.all(Array.from({ length: 8 }, () => store.addVersion(target(), version())));
    expect(made.map((one) => one.number).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(new Set(made.map((one) => one.functionId)).size).toBe(1);
  });

  it("replaces what serves as a whole and remembers what served before", async () => {
    const store = createFunctionStore(await open());
    const first = await store.addVersion(target(), version());
    const second = await store.addVersion(target(), version());
    let clock = NOW;
    const activate = (shares: { versionNumber: number; percent: number }[]) =>
      store.activate({
        functionId: first.functionId,
        environment: "production",
        shares,
        reason: "rollout",
        actor: "usr_1",
        now: ++clock,
        createId: () => createId("act", clock),
      });
    await activate([{ versionNumber: 1, percent: 100 }]);
    await activate([
      { versionNumber: 1, percent: 80 },
      { versionNumber: 2, percent: 20 },
    ]);
    const shares = (await store.activeFunctions("prj_1")).map((one) => [one.version.number, one.percent]);
    expect(shares).toEqual([
      [1, 80],
      [2, 20],
    ]);
    await activate([{ versionNumber: 2, percent: 100 }]);
    expect(await store.previousVersionNumber(first.functionId, "production", second.number)).toBe(1);
    expect(await store.previousVersionNumber(first.functionId, "staging", second.number)).toBeNull();
  });

  it("seals secrets, binds them to their place and never lists a value", async () => {
    const sql = await open();
    const sealed = new Map<string, string>();
    const sealer = {
      seal(text: string, context: string) {
        sealed.set(context, text);
        return `sealed:${context}`;
      },
      open: (_value: string, context: string) => sealed.get(context) ?? "?",
    };
    const secrets = createSecretStore(sql, sealer, NO_AUDIT);
    const project = { id: "prj_1" };
    await secrets.set({ project, environment: "production", name: "TOKEN", value: "hunter2", now: NOW });
    await secrets.set({ project, environment: "production", name: "TOKEN", value: "hunter3", now: NOW + 1 });
    await secrets.set({ project, environment: "staging", name: "TOKEN", value: "other", now: NOW });
    const { rows } = await sql.db
      .selectFrom("function_secrets")
      .selectAll()
      .execute()
      .then((all) => ({ rows: all }));
    expect(JSON.stringify(rows)).not.toContain("hunter");
    expect(JSON.stringify(await secrets.list("prj_1"))).not.toContain("hunter");
    expect(await secrets.reveal("prj_1", "production")).toEqual({ TOKEN: "hunter3" });
    expect(await secrets.delete({ id: "prj_2" }, "production", "TOKEN")).toBe(false);
    await expect(
      secrets.set({ project, environment: "production", name: "no-identifier", value: "x", now: NOW }),
    ).rejects.toThrow("identifier");
  });

  it("lets one node of many claim a cron run", async () => {
    const sql = await open();
    const store = createFunctionStore(sql);
    const crons = createCronStore(sql);
    const made = await store.addVersion(target("jobs"), version(["*/5 * * * *"]));
    await store.activate({
      functionId: made.functionId,
      environment: "production",
      shares: [{ versionNumber: 1, percent: 100 }],
      reason: "deploy",
      actor: "usr_1",
      now: NOW,
      createId: () => createId("act", NOW),
    });
    const [trigger, ...others] = await crons.listTriggers();
    expect(others).toEqual([]);
    if (trigger === undefined) throw new Error("no trigger");
    const claims = await Promise.all(
      Array.from({ length: 5 }, () => crons.claim({ trigger, scheduledAt: NOW, status: "running" })),
    );
    expect(claims.filter(Boolean)).toHaveLength(1);
    await crons.finish({ trigger, scheduledAt: NOW, status: "failed", error: "boom" }, NOW + 1);
    expect(await crons.lastRun(trigger)).toEqual({ scheduledAt: NOW, status: "failed", error: "boom" });
  });
});
