import { CopyObjectCommand, GetObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { pollUntil } from "./harness/poll-until.ts";
import { createS3Client } from "./harness/s3-access.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

// A credential for S3 that was made with a limited account key is no way around the limits of that key.

let server: ServerProcess;
let developer: Developer;
let project: Project;

beforeAll(async () => {
  // The address that a caller is said to have, as a proxy in front says it.
  server = await startServer({ env: { ...UNLIMITED, AEROSTACK_TRUST_PROXY: "true" } });
  developer = await createDeveloper(server);
  project = await developer.createProject("S3 limits");
});
afterAll(async () => {
  await server?.dispose();
});

interface AccountKey {
  readonly id: string;
  readonly secret: string;
}

async function accountKey(limits: Readonly<Record<string, unknown>>): Promise<AccountKey> {
  const made = await developer.call<{ key: { id: string }; secret: string }>("POST", "/api/v1/account/keys", {
    name: "limited",
    ...limits,
  });
  return { id: made.key.id, secret: made.secret };
}

/** A client with a credential that this account key made, and what it is answered. */
async function clientOf(key: AccountKey) {
  const answer = await fetch(`${server.url}/api/v1/projects/${project.id}/s3-keys`, {
    method: "POST",
    headers: { "x-api-key": key.secret, "content-type": "application/json" },
    body: JSON.stringify({ name: "limited", access: "read-write" }),
  });
  const made = (await answer.json()) as {
    key: { accessKeyId: string };
    secretAccessKey: string;
    endpoint: string;
    region: string;
  };
  expect(answer.status, JSON.stringify(made)).toBe(201);
  const client = createS3Client({ ...made, accessKeyId: made.key.accessKeyId });
  const outcome = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "done",
      (error: Error) => error.name,
    );
  const object = { Bucket: "default", Key: "a.txt" };
  return {
    put: () => outcome(client.send(new PutObjectCommand({ ...object, Body: "text" }))),
    get: () => outcome(client.send(new GetObjectCommand(object))),
    copy: () => outcome(client.send(new CopyObjectCommand({ ...object, Key: "b.txt", CopySource: "default/a.txt" }))),
  };
}

describe("an S3 credential made with a limited account key", () => {
  test("reads and writes as far as the key's scopes allow", async () => {
    const all = await clientOf(await accountKey({ scopes: ["storage"] }));
    expect([await all.put(), await all.get(), await all.copy()]).toEqual(["done", "done", "done"]);
    const writing = await clientOf(await accountKey({ scopes: ["storage:write"] }));
    expect([await writing.put(), await writing.get(), await writing.copy()]).toEqual([
      "done",
      "AccessDenied",
      "AccessDenied",
    ]);
  });

  test("is not made at all with a key that may not write", async () => {
    const { secret } = await accountKey({ scopes: ["storage:read", "db"] });
    const answer = await fetch(`${server.url}/api/v1/projects/${project.id}/s3-keys`, {
      method: "POST",
      headers: { "x-api-key": secret, "content-type": "application/json" },
      body: JSON.stringify({ name: "limited", access: "read-write" }),
    });
    expect(answer.status).toBe(403);
  });

  test("is refused from where the key may not be used", async () => {
    const { secret, id } = await accountKey({ allowedIps: ["203.0.113.7"] });
    const headers = { "x-api-key": secret, "content-type": "application/json", "x-forwarded-for": "203.0.113.7" };
    const answer = await fetch(`${server.url}/api/v1/projects/${project.id}/s3-keys`, {
      method: "POST",
      headers,
      body: JSON.stringify({ name: "limited", access: "read-write" }),
    });
    expect(answer.status).toBe(201);
    const made = (await answer.json()) as {
      key: { accessKeyId: string };
      secretAccessKey: string;
      endpoint: string;
      region: string;
    };
    const from = async (address: string) => {
      const client = createS3Client({ ...made, accessKeyId: made.key.accessKeyId });
      // Not signed: a proxy adds it on the way.
      client.middlewareStack.add(
        (next) => (args) => {
          (args.request as { headers: Record<string, string> }).headers["x-forwarded-for"] = address;
          return next(args);
        },
        { step: "finalizeRequest", priority: "low" },
      );
      return await client.send(new PutObjectCommand({ Bucket: "default", Key: "a.txt", Body: "x" })).then(
        () => "done",
        (error: Error) => error.name,
      );
    };
    expect(await from("203.0.113.7")).toBe("done");
    expect(await from("203.0.113.8")).toBe("AccessDenied");
    expect(id).toMatch(/^akey_/);
  });

  test("ends with the key, when it is revoked and when it expires; one without limits goes on", async () => {
    const key = await accountKey({ scopes: ["storage"] });
    const client = await clientOf(key);
    const unlimited = await accountKey({});
    const other = await clientOf(unlimited);
    expect([await client.put(), await other.put()]).toEqual(["done", "done"]);
    for (const { id } of [key, unlimited]) await developer.call("DELETE", `/api/v1/account/keys/${id}`);
    expect(await client.put()).toBe("InvalidAccessKeyId");
    expect(await other.put()).toBe("done");

    const short = await accountKey({ expiresAt: new Date(Date.now() + 3_000).toISOString() });
    const ending = await clientOf(short);
    expect(await ending.put()).toBe("done");
    await pollUntil("the credential to end with its key", async () => (await ending.put()) === "InvalidAccessKeyId");
  });
});
