import { expect, it } from "vitest";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

describeEachControlDatabase("projects", (openDatabase) => {
  async function start() {
    const test = await createTestApp(await openDatabase());
    const ada = await test.createDeveloper("ada@example.com");
    const bob = await test.createDeveloper("bob@example.com");
    return { ...test, ada, bob };
  }

  it("derives the slug from the name, adds a suffix where it is taken, and keeps it over a rename", async () => {
    const { ada, bob } = await start();
    const first = await ada.createProject("Müller & Söhne");
    expect(first.slug).toBe("muller-sohne");
    const second = await bob.createProject("Muller Sohne");
    expect(second.slug).toMatch(/^muller-sohne-[a-z0-9]{5}$/);
    const renamed = await ada.call("PATCH", `/api/v1/projects/${first.id}`, { name: "Other" });
    expect(renamed.body.project).toMatchObject({ id: first.id, name: "Other", slug: "muller-sohne" });
    expect((await ada.createProject("日本")).slug).toBe("project");
  });

  it("is found by id and by slug", async () => {
    const { ada } = await start();
    const project = await ada.createProject("Shop");
    for (const reference of [project.id, project.slug]) {
      expect((await ada.call("GET", `/api/v1/projects/${reference}`)).body.project.id).toBe(project.id);
    }
  });

  it("answers for somebody else's project exactly as for none, at every address", async () => {
    const { ada, bob } = await start();
    const project = await ada.createProject("Shop");
    const key = await ada.createKey(project, "secret");
    const attempts = (reference: string, keyId: string) =>
      [
        ["GET", `/api/v1/projects/${reference}`, undefined],
        ["PATCH", `/api/v1/projects/${reference}`, { name: "Mine" }],
        ["DELETE", `/api/v1/projects/${reference}?confirm=${project.slug}`, undefined],
        ["GET", `/api/v1/projects/${reference}/keys`, undefined],
        ["POST", `/api/v1/projects/${reference}/keys`, { name: "k", kind: "secret" }],
        ["DELETE", `/api/v1/projects/${reference}/keys/${keyId}`, undefined],
        ["GET", `/api/v1/cli/project-metadata?project=${reference}`, undefined],
      ] as const;
    const absent = attempts("prj_none", key.id);
    for (const reference of [project.id, project.slug]) {
      for (const [index, [method, path, body]] of attempts(reference, key.id).entries()) {
        const refused = await bob.call(method, path, body);
        const [absentMethod, absentPath, absentBody] = absent[index] ?? ["GET", "", undefined];
        const missing = await bob.call(absentMethod, absentPath, absentBody);
        expect(refused.status, path).toBe(404);
        expect({ ...refused.body.error, requestId: "" }).toEqual({ ...missing.body.error, requestId: "" });
      }
    }
    expect((await ada.call("GET", `/api/v1/projects/${project.id}`)).body.project.name).toBe("Shop");
  });

  it("lists an account's own projects in pages, newest first", async () => {
    const { ada, bob, clock } = await start();
    await bob.createProject("Not hers");
    for (const name of ["P one", "P two", "P three"]) {
      clock.advance(10);
      await ada.createProject(name);
    }
    const first = await ada.call("GET", "/api/v1/projects?limit=2");
    expect(first.body.projects.map(({ name }: { name: string }) => name)).toEqual(["P three", "P two"]);
    const second = await ada.call("GET", `/api/v1/projects?limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body.projects.map(({ name }: { name: string }) => name)).toEqual(["P one"]);
    expect(second.body.nextCursor).toBeNull();
  });

  it("is deleted only when its slug confirms it, with everything that others keep for it", async () => {
    const { ada, call, controlPlane } = await start();
    const project = await ada.createProject("Shop");
    const key = await ada.createKey(project, "secret");
    const order: string[] = [];
    controlPlane.projects.onDelete("data", async ({ id }) => void order.push(`data ${id}`));
    controlPlane.projects.onDelete("runtime", async ({ id }) => void order.push(`runtime ${id}`));
    const unconfirmed = await ada.call("DELETE", `/api/v1/projects/${project.id}`);
    expect(unconfirmed).toMatchObject({ status: 400, body: { error: { code: "VALIDATION_ERROR" } } });
    expect(unconfirmed.body.error.fix).toContain(`confirm=${project.slug}`);
    expect(order).toEqual([]);

    const deleted = await ada.call("DELETE", `/api/v1/projects/${project.id}?confirm=${project.slug}`);
    expect(deleted.body).toEqual({ success: true });
    expect(order).toEqual([`runtime ${project.id}`, `data ${project.id}`]);
    expect((await ada.call("GET", `/api/v1/projects/${project.id}`)).status).toBe(404);
    const withKey = await call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": key.secret } });
    expect(withKey.status).toBe(401);
    expect((await ada.createProject("Shop")).slug).toBe("shop");
  });

  it("is gone for everybody when a cleanup fails, and the deletion goes on later", async () => {
    const { ada, call, controlPlane } = await start();
    const project = await ada.createProject("Shop");
    const key = await ada.createKey(project, "secret");
    let works = false;
    controlPlane.projects.onDelete("data", async () => {
      if (!works) throw new Error("the data host is away");
    });
    const failed = await ada.call("DELETE", `/api/v1/projects/${project.id}?confirm=${project.slug}`);
    expect(failed.status).toBe(500);
    expect((await ada.call("GET", `/api/v1/projects/${project.id}`)).status).toBe(404);
    expect((await call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": key.secret } })).status).toBe(401);
    expect((await ada.createProject("Shop")).slug).not.toBe("shop");
    works = true;
    await controlPlane.projects.resumeDeletions();
    expect((await ada.createProject("Shop")).slug).toBe("shop");
  });

  it("answers hostile references without a defect", async () => {
    const { ada } = await start();
    for (const reference of ["%00", "%E0%A4%A", "..%2f..%2fetc", "'%20or%201=1--", "x".repeat(5_000), "%F0%9F%98%80"]) {
      const { status } = await ada.call("GET", `/api/v1/projects/${reference}`);
      expect([400, 404], reference).toContain(status);
    }
    expect([400, 404]).toContain((await ada.call("GET", "/api/v1/cli/project-metadata?project=%00")).status);
    expect([200, 400]).toContain((await ada.call("GET", "/api/v1/projects?cursor=%00")).status);
    expect((await ada.call("POST", "/api/v1/projects", { name: "a\u0000b" })).status).toBe(400);
  });

  it("answers the command line in its own shapes", async () => {
    const { ada, call } = await start();
    const created = await ada.call("POST", "/api/v1/cli/projects", { name: "Shop" });
    expect(created).toMatchObject({
      status: 201,
      body: { name: "Shop", slug: "shop", url: "http://aerostack.test/f/shop" },
    });
    expect((await ada.call("GET", "/api/v1/cli/projects")).body.projects[0].id).toBe(created.body.id);
    const metadata = await ada.call("GET", "/api/v1/cli/project-metadata?project=Shop");
    expect(metadata.body).toEqual({
      projectId: created.body.id,
      name: "Shop",
      slug: "shop",
      collections: [],
      hooks: [],
    });
    expect((await ada.call("POST", "/api/v1/cli/validate")).body).toMatchObject({
      keyType: "account",
      userId: ada.user.id,
    });
    const key = await ada.createKey(created.body, "public");
    const validated = await call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": key.secret } });
    expect(validated.body).toMatchObject({ keyType: "project", projectId: created.body.id, slug: "shop" });
  });
});
