import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  createDeveloper,
  type Deployed,
  type Developer,
  type FunctionUpload,
  type Project,
} from "./harness/developer.ts";
import { expectWithin } from "./harness/expect-within.ts";
import { fixtureWorker } from "./harness/fixture-worker.ts";
import { repeatWhile } from "./harness/latency.ts";
import { type ServerProcess, startServer, UNLIMITED } from "./harness/server-process.ts";

let server: ServerProcess;
let developer: Developer;
let project: Project;
let source: string;
let serial = 0;
let name = "";

const VISITS = { durableObjects: [{ binding: "VISITS", className: "Visits" }] };

async function deploy(mark: string, upload: Partial<FunctionUpload> = {}): Promise<Deployed> {
  return await developer.deploy(project, {
    name,
    worker: source,
    isPublic: true,
    ...upload,
    config: { ...upload.config, vars: { MARK: mark } },
  });
}
const url = (path = "/", suffix = ""): string => developer.functionUrl(project, `${name}${suffix}`, path);
const mark = async (suffix = ""): Promise<string> => await (await fetch(url("/", suffix))).text();
const versionsPath = (): string => `/api/v1/projects/${project.id}/functions/${name}`;

beforeAll(async () => {
  server = await startServer({ env: UNLIMITED });
  developer = await createDeveloper(server);
  project = await developer.createProject("versions");
  source = await fixtureWorker("version");
});
beforeEach(() => {
  serial++;
  name = `fn-${serial}`;
});
afterAll(async () => {
  await server?.dispose();
});

describe("versions", () => {
  test("each deploy is a numbered version that is listed, shown and compared", async () => {
    await deploy("one");
    const second = await deploy("two", { config: { crons: ["0 3 * * *"], message: "nightly" } });
    expect(second.version.number).toBe(2);
    const { versions } = await developer.call<{ versions: object[] }>("GET", `${versionsPath()}/versions`);
    expect(versions).toEqual([
      expect.objectContaining({ number: 2, message: "nightly", active: [expect.objectContaining({ percent: 100 })] }),
      expect.objectContaining({ number: 1, active: [] }),
    ]);
    expect(await developer.call("GET", `${versionsPath()}/versions/1`)).toMatchObject({
      version: { number: 1, modules: [{ name: "worker.js", type: "esm" }] },
    });
    const diff = await developer.call<{ changes: { path: string }[] }>(
      "GET",
      `${versionsPath()}/versions/2/diff?against=1`,
    );
    expect(diff).toMatchObject({ from: 1, to: 2 });
    expect(diff.changes).toEqual([
      { path: "config.crons", before: [], after: ["0 3 * * *"] },
      { path: "config.message", before: null, after: "nightly" },
      { path: "config.vars", before: { MARK: "one" }, after: { MARK: "two" } },
    ]);
    const tagged = await deploy("three", { worker: `${source}\n// changed` });
    expect(tagged.version.number).toBe(3);
    const code = await developer.call<{ changes: { path: string }[] }>(
      "GET",
      `${versionsPath()}/versions/3/diff?against=2`,
    );
    expect(code.changes.map((change) => change.path)).toContain("modules/worker.js");
  });

  test("a deploy answers when the new version serves, and loses no request on the way", async () => {
    await deploy("0");
    const seen: string[] = [];
    const deployments = (async () => {
      for (let number = 1; number <= 5; number++) {
        await deploy(String(number));
        expect(await mark()).toBe(String(number));
      }
    })();
    await repeatWhile(
      async () => {
        const answers = await Promise.all([fetch(url()), fetch(url()), fetch(url("/recall"))]);
        for (const answer of answers) {
          expect([answer.status, await answer.clone().text()]).toEqual([200, expect.any(String)]);
        }
        seen.push((await answers[0]?.text()) ?? "");
      },
      deployments,
      1,
    );
    await deployments;
    expect(seen.map(Number)).toEqual([...seen].map(Number).sort((a, b) => a - b));
  });

  test("rollback is instant, to the version before or to any other", async () => {
    await deploy("one");
    await deploy("two");
    await deploy("three");
    const startedAt = performance.now();
    expect(await developer.call("POST", `${versionsPath()}/rollback`, {})).toMatchObject({ version: { number: 2 } });
    expect(await mark()).toBe("two");
    const tookMs = performance.now() - startedAt;
    console.info(`rollback, first answer of the earlier version: ${tookMs.toFixed(0)} ms`);
    expectWithin(tookMs, 2_000);
    await developer.call("POST", `${versionsPath()}/rollback`, { version: 1 });
    expect(await mark()).toBe("one");
    await developer.call("POST", `${versionsPath()}/rollback`, { version: 3 });
    expect(await mark()).toBe("three");
    await expect(developer.call("POST", `${versionsPath()}/rollback`, { version: 99 })).rejects.toMatchObject({
      status: 404,
    });
  });

  test("a rollout gives a version its share of the calls, and no more", async () => {
    await deploy("old");
    await deploy("new");
    await developer.call("POST", `${versionsPath()}/rollback`, { version: 1 });
    await developer.call("POST", `${versionsPath()}/rollout`, { version: 2, percent: 20 });
    const counts: Record<string, number> = {};
    for (let round = 0; round < 25; round++) {
      const marks = await Promise.all(Array.from({ length: 20 }, () => mark()));
      for (const one of marks) counts[one] = (counts[one] ?? 0) + 1;
    }
    console.info(`rollout of 20 %: ${JSON.stringify(counts)} of 500`);
    expect((counts.old ?? 0) + (counts.new ?? 0)).toBe(500);
    // Four and a half standard deviations of a binomial distribution (n 500, p 0.2) either way.
    expect(counts.new).toBeGreaterThanOrEqual(60);
    expect(counts.new).toBeLessThanOrEqual(140);
    await developer.call("POST", `${versionsPath()}/rollout`, { version: 2, percent: 100 });
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => mark())))).toEqual(new Set(["new"]));
  });
});

describe("a bundle that does not start", () => {
  const broken: Record<string, [worker: string, message: RegExp]> = {
    "throws at its top level": ["throw new Error('no luck today'); export default {}", /no luck today/],
    "has a syntax error": ["export default { fetch( { }", /SyntaxError/],
    "imports what is not there": ["import x from './missing.js'; export default { fetch() {} }", /missing\.js/],
    "loops at its top level": ["for (;;) {} export default {}", /./],
  };

  test.each(Object.entries(broken))(
    "%s: is refused with the runtime's words, and the old one serves",
    async (_what, [worker, message]) => {
      await deploy("good");
      await expect(deploy("bad", { worker })).rejects.toMatchObject({
        status: 422,
        body: { error: { code: "FUNCTION_START_FAILED", message: expect.stringMatching(message) } },
      });
      expect(await mark()).toBe("good");
      const { versions } = await developer.call<{ versions: { active: object[] }[] }>(
        "GET",
        `${versionsPath()}/versions`,
      );
      expect(versions.filter((version) => version.active.length > 0)).toHaveLength(1);
    },
  );

  test("a new function that does not start is not there", async () => {
    await expect(deploy("bad", { worker: "throw 1" })).rejects.toMatchObject({ status: 422 });
    expect((await fetch(url())).status).toBe(404);
  });

  test("a class that a Durable Object binding names must exist", async () => {
    await expect(
      deploy("bad", { config: { durableObjects: [{ binding: "X", className: "Nowhere" }] } }),
    ).rejects.toMatchObject({
      status: 422,
      body: { error: { message: expect.stringContaining("Nowhere") } },
    });
  });
});

describe("staging", () => {
  test("has its own code, variables, secrets and data", async () => {
    await developer.setSecret(project, "SECRET", "for production");
    await developer.setSecret(project, "SECRET", "for staging", "staging");
    const production = await deploy("production");
    const staging = await deploy("staging", { env: "staging" });
    expect(staging.env).toBe("staging");
    expect(staging.url).not.toBe(production.url);
    expect(await (await fetch(url("/remember?note=live"))).text()).toBe("remembered");
    expect(await (await fetch(url("/recall", "--staging"))).json()).toEqual({
      mark: "staging",
      secret: "for staging",
      cache: null,
      rows: [],
      object: null,
    });
    await fetch(url("/remember?note=trial", "--staging"));
    expect(await (await fetch(url("/recall"))).json()).toEqual({
      mark: "production",
      secret: "for production",
      cache: "live",
      rows: [{ note: "live" }],
      object: "live",
    });
    expect(await (await fetch(`${staging.url}/`)).text()).toBe("staging");
  });

  test("rolls back on its own", async () => {
    await deploy("production 1");
    await deploy("staging 2", { env: "staging" });
    await deploy("staging 3", { env: "staging" });
    await developer.call("POST", `${versionsPath()}/rollback`, { env: "staging" });
    expect([await mark("--staging"), await mark()]).toEqual(["staging 2", "production 1"]);
  });
});

test("a secret that changes reaches the running function", async () => {
  await deploy("x");
  await developer.setSecret(project, "SECRET", "first");
  expect(await (await fetch(url("/recall"))).json()).toMatchObject({ secret: "first" });
  await developer.setSecret(project, "SECRET", "second");
  expect(await (await fetch(url("/recall"))).json()).toMatchObject({ secret: "second" });
  await developer.call("DELETE", `/api/v1/projects/${project.id}/secrets/SECRET?env=production`);
  expect(await (await fetch(url("/recall"))).json()).toMatchObject({ secret: null });
  expect(JSON.stringify(await developer.call("GET", `/api/v1/projects/${project.id}/secrets`))).not.toContain("second");
});

test("a Durable Object keeps its storage over deploys, also while it is called", async () => {
  await deploy("0", { config: VISITS });
  const seen: number[] = [];
  const deployments = (async () => {
    for (let number = 1; number <= 3; number++) await deploy(String(number), { config: VISITS });
  })();
  await repeatWhile(
    async () => {
      const answer = await fetch(url("/visit"));
      expect([answer.status, await answer.clone().text()]).toEqual([200, expect.any(String)]);
      seen.push(((await answer.json()) as { visits: number }).visits);
    },
    deployments,
    10,
  );
  await deployments;
  // Each visit was counted once: no two processes ever held the object's storage at once.
  expect(seen).toEqual(seen.map((_, index) => index + 1));
});
