import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import type { AccountTables } from "../accounts/tables.ts";
import { createLogger } from "../kernel/log.ts";
import { createLogStore } from "../logs/store.ts";
import type { LogTables } from "../logs/tables.ts";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import type { DisclosureSource } from "./disclosure-source.ts";
import { createDisclosures } from "./disclosures.ts";
import { readZip } from "./read-zip-testing.ts";
import { createDisclosureRoutes } from "./routes.ts";
import { createAuditSource, createLogSource } from "./sources/logged.ts";
import { createStoredRowSources } from "./sources/stored-rows.ts";

const CASES = "/api/v1/admin/legal/cases";

describeEachControlDatabase("P15 a disclosure", (openDatabase) => {
  async function start() {
    const database = await openDatabase();
    // Its tables are among those of the control plane's database, as they are on PostgreSQL.
    const store = createLogStore(database.withTables<LogTables>());
    // What projects hold is asked of a data host, in the end-to-end test.
    const content: DisclosureSource = async function* files({ projectIds }) {
      for (const id of projectIds) yield { name: `content/${id}.sql`, content: ["CREATE TABLE t (id INTEGER);\n"] };
    };
    const test = await createTestApp(database, {
      extraRoutes: (controlPlane) =>
        createDisclosureRoutes(
          createDisclosures({
            sql: database,
            clock: { now: () => test.clock.now() },
            audit: controlPlane.audit,
            log: createLogger({ level: "silent" }),
            sources: {
              ...createStoredRowSources(database, controlPlane.holds),
              audit: createAuditSource(controlPlane.audit),
              logs: createLogSource(store, async () => undefined),
              content_metadata: content,
              content,
            },
          }),
        ),
    });
    const { db } = database.withTables<AccountTables>();
    const admin = await test.createDeveloper("admin@example.com");
    await db.updateTable("accounts").set({ is_admin: 1 }).where("id", "=", admin.user.id).execute();
    await test.controlPlane.changes.commit(database, [`account:${admin.user.id}`], async () => undefined);
    const ada = await test.createDeveloper("ada@example.com");
    const project = await ada.createProject("Shop");
    const key = await ada.createKey(project, "secret");
    const openCase = async (kind: string, id: string): Promise<string> => {
      const made = await admin.call("POST", CASES, {
        reference: "4 Js 123/26",
        authority: "District court",
        legalBasis: "Section 94",
        subject: { kind, id },
      });
      return made.body.case.id;
    };
    /** The archive as bytes, since the test's own reader takes text. */
    async function disclose(
      caseId: string,
      body: unknown,
      headers: Record<string, string> = { "x-api-key": admin.accountKey },
    ) {
      test.clock.advance(1);
      const answer = await test.app.request(`${CASES}/${caseId}/disclosures`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      return { status: answer.status, headers: answer.headers, bytes, text: bytes.toString() };
    }
    const linesOf = (files: Map<string, Buffer>, name: string) =>
      (files.get(name)?.toString() ?? "")
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line));
    return { ...test, database, db, store, admin, ada, project, key, openCase, disclose, linesOf };
  }

  it("is exactly what was chosen, with a manifest that the audit log vouches for", async () => {
    const { ada, admin, project, openCase, disclose, linesOf } = await start();
    const caseId = await openCase("account", ada.user.id);
    const body = { categories: ["profile", "log_ins"], recipient: "Inspector Lee" };
    const answer = await disclose(caseId, body);
    expect(answer.headers.get("content-type")).toBe("application/zip");
    const files = readZip(answer.bytes);
    expect([...files.keys()]).toEqual([
      "profile/account.jsonl",
      "profile/memberships.jsonl",
      "profile/keys.jsonl",
      "profile/passkeys.jsonl",
      "profile/consents.jsonl",
      "profile/projects.jsonl",
      "log-ins/sessions.jsonl",
      "manifest.json",
    ]);
    expect(linesOf(files, "profile/account.jsonl")).toMatchObject([{ id: ada.user.id, email: "ada@example.com" }]);
    expect(linesOf(files, "profile/projects.jsonl")).toMatchObject([{ id: project.id, slug: project.slug }]);
    expect(linesOf(files, "log-ins/sessions.jsonl")).toHaveLength(1);
    const manifest = JSON.parse(files.get("manifest.json")?.toString() ?? "");
    expect(manifest).toMatchObject({
      case: { id: caseId, reference: "4 Js 123/26", authority: "District court" },
      subject: { kind: "account", id: ada.user.id },
      disclosedBy: admin.user.id,
      disclosedTo: "Inspector Lee",
      categories: ["profile", "log_ins"],
    });
    for (const { name, sha256, bytes } of manifest.files) {
      const content = files.get(name) ?? Buffer.alloc(0);
      expect([sha256, bytes], name).toEqual([createHash("sha256").update(content).digest("hex"), content.length]);
    }
    expect(manifest.files).toHaveLength(files.size - 1);

    const manifestSha256 = createHash("sha256")
      .update(files.get("manifest.json") ?? "")
      .digest("hex");
    const { entries } = (await admin.call("GET", `/api/v1/admin/audit?target=${caseId}&action=legal_disclosure.*`))
      .body;
    const told = new Map<string, Record<string, unknown>>(
      entries.map(({ action, after }: { action: string; after: Record<string, unknown> }) => [action, after]),
    );
    expect([...told.keys()].toSorted()).toEqual(["legal_disclosure.begun", "legal_disclosure.finished"]);
    expect(told.get("legal_disclosure.begun")).toMatchObject(body);
    expect(told.get("legal_disclosure.finished")).toMatchObject({
      recipient: "Inspector Lee",
      manifestSha256,
      bytes: answer.bytes.length,
      files: files.size,
    });
    const listed = await admin.call("GET", `${CASES}/${caseId}/disclosures`);
    expect(listed.body.disclosures).toMatchObject([
      { caseId, ...body, manifestSha256, createdBy: admin.user.id, bytes: answer.bytes.length },
    ]);
  });

  it("never holds what opens anything, whatever is chosen", async () => {
    const { ada, project, key, openCase, disclose, db, database } = await start();
    const everything = ["profile", "log_ins", "audit", "logs", "content_metadata", "content"];
    const secrets = [ada.accountKey, ada.refreshToken, key.secret];
    const { password_hash } = await db
      .selectFrom("accounts")
      .select("password_hash")
      .where("id", "=", ada.user.id)
      .executeTakeFirstOrThrow();
    secrets.push(password_hash);
    for (const table of ["account_keys", "project_keys", "refresh_tokens"] as const) {
      const rows = await database
        .withTables<Record<string, { hash: string }>>()
        .db.selectFrom(table)
        .select("hash")
        .execute();
      secrets.push(...rows.map(({ hash }) => hash));
    }
    expect(secrets.length).toBeGreaterThan(6);
    for (const [kind, id] of [
      ["account", ada.user.id],
      ["project", project.id],
      ["organisation", project.organisationId],
    ] as const) {
      const answer = await disclose(await openCase(kind, id), { categories: everything, recipient: "Inspector Lee" });
      const files = readZip(answer.bytes);
      const all = [...files.values()].map(String).join("\n");
      expect(all).toContain(project.id);
      for (const secret of secrets) expect(all.includes(secret), `${kind}: ${secret.slice(0, 6)}`).toBe(false);
      expect(files.has(`content/${project.id}.sql`), kind).toBe(true);
    }
  });

  it("has the log and the audit log of a project, whole, and nothing of another", async () => {
    const { ada, project, store, openCase, disclose, linesOf, clock } = await start();
    const other = await ada.createProject("Other");
    const line = (projectId: string, at: number) => ({
      id: `log_${String(at).padStart(6, "0")}`,
      projectId,
      time: clock.now() + at,
      kind: "request" as const,
      level: "info" as const,
      message: "",
      requestId: null,
      functionName: null,
      environment: null,
      version: null,
      method: "GET",
      path: `/${projectId}/${at}`,
      status: 200,
      latencyMs: 1,
      keyId: null,
      ip: "192.0.2.1",
      region: null,
    });
    await store.insert(Array.from({ length: 1_100 }, (_, at) => line(project.id, at)));
    await store.insert([line(other.id, 1)]);
    const answer = await disclose(await openCase("project", project.id), {
      categories: ["logs", "audit"],
      recipient: "Inspector Lee",
    });
    const files = readZip(answer.bytes);
    const lines = linesOf(files, `logs/${project.id}.jsonl`);
    expect(new Set(lines.map(({ path }) => path)).size).toBe(1_100);
    const actions = linesOf(files, "audit/project.jsonl").map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(["project.created", "key.created"]));
    expect([...files.values()].map(String).join()).not.toContain(other.id);
  });

  it("is refused where nothing is chosen, the case is closed, or a user is asked for what is not kept by user", async () => {
    const { admin, ada, project, openCase, disclose, call, database } = await start();
    const caseId = await openCase("project", project.id);
    for (const body of [
      {},
      { categories: [], recipient: "x" },
      { categories: ["everything"], recipient: "x" },
      { categories: ["profile", "profile"], recipient: "x" },
      { categories: ["profile"] },
    ]) {
      expect((await disclose(caseId, body)).status, JSON.stringify(body)).toBe(400);
    }
    const good = { categories: ["profile"], recipient: "x" };
    expect((await disclose("lgc_none", good)).status).toBe(404);
    const [there, absent] = [
      await disclose(caseId, good, { "x-api-key": ada.accountKey }),
      await disclose("lgc_none", good, { "x-api-key": ada.accountKey }),
    ];
    expect([there.status, absent.status]).toEqual([403, 403]);
    expect((await call("GET", `${CASES}/${caseId}/disclosures`)).status).toBe(401);
    await admin.call("POST", `${CASES}/${caseId}/close`, { reason: "Done." });
    expect((await disclose(caseId, good)).status).toBe(409);
    const { db } = database.withTables<{ end_users: Record<string, string | number> }>();
    const user = { id: "0197-user", project_id: project.id, custom_fields: "{}", metadata: "{}", is_anonymous: 0 };
    await db
      .insertInto("end_users")
      .values({ ...user, created_at: 1, updated_at: 1 })
      .execute();
    const ofUser = await openCase("end_user", "0197-user");
    expect((await disclose(ofUser, { categories: ["profile", "content"], recipient: "x" })).text).toContain(
      "kept by project",
    );
    expect((await disclose(ofUser, good)).status).toBe(200);
  });
});
