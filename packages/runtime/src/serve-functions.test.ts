import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { call, createRuntimeFixture, type RuntimeFixture } from "./runtime-fixture.ts";

describe("serving functions", () => {
  let fixture: RuntimeFixture;
  beforeAll(async () => {
    fixture = await createRuntimeFixture();
  });
  afterAll(async () => {
    await fixture.close();
  });

  it("starts a project at the first request, and gives its variables, secrets and identity to the function", async () => {
    const { runtime, project, fn } = fixture;
    const spec = fn("api", "export default { fetch: (_req, env) => Response.json(env) };", {
      config: { vars: { GREETING: 'a "quoted" \\ text\n', LIMITS: { max: 3 } } },
      secrets: { TOKEN: "s3cret\u0000\"'}" },
    });
    await runtime.configure(project([spec]));
    expect(runtime.stats().activeProcesses).toBe(0);
    const { status, text } = await call(fixture, spec.key);
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      GREETING: 'a "quoted" \\ text\n',
      LIMITS: { max: 3 },
      TOKEN: "s3cret\u0000\"'}",
      AEROSTACK_PROJECT_ID: "prj_test",
      AEROSTACK_API_KEY: "ak_test",
      AEROSTACK_API_URL: "http://127.0.0.1:8787",
    });
    expect(runtime.stats()).toMatchObject({ activeProcesses: 1, starts: 1 });
    expect([...fixture.grants.values()]).toEqual(["prj_test"]);
  });
});
