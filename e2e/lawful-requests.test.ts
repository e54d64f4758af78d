import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readZip } from "../packages/server/src/legal/read-zip-testing.ts";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { createOperator, type Operator } from "./harness/operator.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// A lawful request from its case to its end, on a real server with a data host: what a project held is there although its owner
// deleted it, is disclosed byte for byte, and is gone once nobody keeps it.

const CASES = "/api/v1/admin/legal/cases";

let server: ServerProcess;
let operator: Operator;
let developer: Developer;
let project: Project;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  operator = await createOperator(server);
  developer = await createDeveloper(server);
  project = await developer.createProject("evidence");
});
afterAll(async () => {
  await server?.dispose();
});

async function data(path: string, key: string, body: unknown): Promise<void> {
  const answer = await fetch(`${server.url}/v1${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-aerostack-key": key },
    body: JSON.stringify(body),
  });
  expect(answer.status, `${path}: ${await answer.text()}`).toBeLessThan(300);
}

test("P15 what is held and disclosed is whole, and goes when it is let go", async () => {
  const { secret } = await developer.createKey(project);
  await developer.call("POST", `/api/v1/projects/${project.id}/db/query`, {
    sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)",
  });
  await data("/db/query", secret, { sql: "INSERT INTO notes (text) VALUES ('meet at noon')" });
  await data("/cache/set", secret, { key: "plan", value: "by train" });
  const form = new FormData();
  form.set("file", new Blob(["a picture of it"], { type: "text/plain" }), "picture.txt");
  form.set("key", "deep/picture.txt");
  const stored = await fetch(`${server.url}/v1/storage/upload`, {
    method: "POST",
    headers: { "x-aerostack-key": secret },
    body: form,
  });
  expect(stored.status, await stored.clone().text()).toBeLessThan(300);

  const opened = await operator.call<{ case: { id: string } }>("POST", CASES, {
    reference: "4 Js 123/26",
    authority: "District court",
    legalBasis: "Order of 1 June",
    subject: { kind: "project", id: project.slug },
  });
  expect(opened.status).toBe(201);
  const path = `${CASES}/${opened.body.case.id}`;
  expect((await operator.call("POST", `${path}/hold`, {})).status).toBe(200);
  await developer.call("DELETE", `/api/v1/projects/${project.id}?confirm=${project.slug}`);
  await expect(developer.call("GET", `/api/v1/projects/${project.id}`)).rejects.toMatchObject({ status: 404 });
  const kept = await operator.call<{ keptBack: unknown[] }>("GET", path);
  expect(kept.body.keptBack).toMatchObject([{ kind: "project", id: project.id }]);
  await expect(developer.call("GET", path)).rejects.toMatchObject({ status: 403 });

  const answer = await operator.open("POST", `${path}/disclosures`, {
    categories: ["profile", "logs", "content_metadata", "content"],
    recipient: "Inspector Lee",
  });
  expect(answer.status).toBe(200);
  const files = readZip(Buffer.from(await answer.arrayBuffer()));
  const text = (name: string): string =>
    files.get(name)?.toString() ?? `no ${name} among ${[...files.keys()].join(", ")}`;
  expect(text(`content/${project.id}/databases/main.sql`)).toContain("meet at noon");
  const value = JSON.parse(text(`content/${project.id}/values/default.jsonl`)) as { key: string; base64: string };
  expect([value.key, Buffer.from(value.base64, "base64").toString()]).toEqual([
    "plan",
    expect.stringContaining("by train"),
  ]);
  const object = [...files.keys()].find((name) => name.startsWith(`content/${project.id}/objects/`));
  expect(text(object ?? "an object")).toBe("a picture of it");
  expect(text(`content-metadata/${project.id}/databases.jsonl`)).toContain('"name":"main"');
  expect(text("profile/project.jsonl")).toContain(project.slug);
  expect([...files.values()].map(String).join()).not.toContain(secret);
  const manifest = JSON.parse(text("manifest.json")) as { files: { name: string; sha256: string }[] };
  for (const { name, sha256 } of manifest.files) {
    expect(sha256, name).toBe(
      createHash("sha256")
        .update(files.get(name) ?? "")
        .digest("hex"),
    );
  }
  const { body: audit } = await operator.call<{ entries: { action: string; after: { recipient: string } }[] }>(
    "GET",
    "/api/v1/admin/audit?action=legal_disclosure.*",
  );
  expect(audit.entries.map(({ action, after }) => `${action} ${after.recipient}`)).toEqual([
    "legal_disclosure.finished Inspector Lee",
    "legal_disclosure.begun Inspector Lee",
  ]);

  expect((await operator.call("POST", `${path}/lift`, { reason: "The order has ended." })).status).toBe(200);
  await pollUntil("the project to be removed", async () => {
    const { body } = await operator.call<{ keptBack: unknown[] }>("GET", path);
    return body.keptBack.length === 0;
  });
  expect((await operator.call("POST", `${path}/close`, { reason: "Answered." })).status).toBe(200);
  expect((await operator.call("GET", "/api/v1/admin/audit/verify")).body).toMatchObject({ valid: true });
});
