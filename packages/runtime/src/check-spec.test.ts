import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRuntimeFixture, type RuntimeFixture } from "./runtime-fixture.ts";

const OK = "export default { fetch: () => new Response('ok') };";

describe("checking a deployment", () => {
  let fixture: RuntimeFixture;
  beforeAll(async () => {
    fixture = await createRuntimeFixture();
  });
  afterAll(async () => {
    await fixture.close();
  });

  const WORKERS = 'import { DurableObject, WorkerEntrypoint } from "cloudflare:workers";';
  it.each([
    [
      "an object whose class has the handler",
      "class App { fetch() { return new Response(); } } export default new App();",
    ],
    ["a class", `${WORKERS} export default class extends WorkerEntrypoint { fetch() { return new Response(); } }`],
    ["a named entrypoint alone", `${WORKERS} export class Admin extends WorkerEntrypoint {}`],
    ["a queue's consumer alone", "export default { async queue() {} };"],
    ["a schedule alone", "export default { async scheduled() {} };"],
    [
      "a class of objects beside no default",
      `${WORKERS} export class Room extends DurableObject {} export default null;`,
    ],
  ])("accepts %s", async (_name, source) => {
    const { runtime, project, fn } = fixture;
    await runtime.check(project([fn("api", source)]));
  });

  it.each([["main.js"], ["src/main.js"], ["src/a b'%25#?.js"]])(
    "accepts the main module %s in both of the runtime's registries of modules",
    async (name) => {
      const { runtime, project, fn } = fixture;
      await runtime.check(project([fn("api", { [name]: OK })]));
      await runtime.check(project([fn("api", { [name]: OK }, { compatibilityFlags: ["new_module_registry"] })]));
    },
  );

  it("accepts what starts, and leaves no process, grant or file behind", async () => {
    const { runtime, project, fn, dataDir, grants } = fixture;
    const source = `import { DurableObject } from "cloudflare:workers";
      export class Room extends DurableObject {} ${OK}`;
    await runtime.check(
      project([fn("api", source, { config: { durableObjects: [{ binding: "ROOM", className: "Room" }] } })]),
    );
    expect(runtime.stats().activeProcesses).toBe(0);
    expect(grants.size).toBe(0);
    expect(readdirSync(join(dataDir, "run", "w"))).toEqual([]);
    expect(readdirSync(dataDir)).not.toContain("host");
  });

  const refusals: readonly [name: string, source: string, rest: object, message: RegExp][] = [
    [
      "a syntax error, with its place",
      "export default { fetch( { } }",
      {},
      /^api: Uncaught SyntaxError.*\n.*main\.js:1:28/,
    ],
    ["a module without handlers", "export default {};", {}, /^api: .*Nothing in the main module can be called/],
    ["a module without exports", "const a = 1;", {}, /^api: .*Nothing in the main module can be called/],
    ["a function that is no entrypoint", "export function help() {}", {}, /Nothing in the main module can be called/],
    ["a function as the default", "export default () => new Response('ok');", {}, /Nothing in the main module can be/],
    ["a class of its own kind as the default", "export default class { fetch() {} }", {}, /Nothing in the main module/],
    ["an exception at start", 'throw new Error("no luck");', {}, /^api: Uncaught Error: no luck/],
    ["an import that is not there", 'import "./nope.js";', {}, /^api: .*No such module "nope\.js"/],
    ["I/O at start", "await fetch('http://x.test');", {}, /^api: .*Disallowed operation called within global scope/],
    ["a date in the future", OK, { compatibilityDate: "2099-01-01" }, /^api: .*2099-01-01/],
    ["a date that is none", OK, { compatibilityDate: 'x"y' }, /^api: .*date/i],
    ["an unknown flag", OK, { compatibilityFlags: ["bogus_flag"] }, /bogus_flag/],
    ["an experimental flag", OK, { compatibilityFlags: ["unsafe_module"] }, /'unsafe_module' is not available/],
    ["a flag that downloads", OK, { compatibilityFlags: ["python_workers"] }, /'python_workers' is not available/],
    [
      "a class that is not exported",
      OK,
      { config: { durableObjects: [{ binding: "ROOM", className: "Room" }] } },
      /Room/,
    ],
    [
      "a binding to a function that is not there",
      OK,
      { config: { services: [{ binding: "AUTH", service: "auth" }] } },
      /'api' does not start: its binding 'AUTH' refers to the function 'auth', which is not deployed to production/,
    ],
    [
      "a binding to an entrypoint that is not there",
      OK,
      { config: { services: [{ binding: "SELF", service: "api", entrypoint: "Nope" }] } },
      /entrypoint "Nope"/,
    ],
    [
      "two bindings of one name",
      OK,
      { config: { vars: { X: "1" }, kvNamespaces: [{ binding: "X", namespace: "x" }] } },
      /two of its bindings or variables are named 'X'/,
    ],
  ];
  it.each(refusals)("refuses %s", async (_name, source, rest, message) => {
    const { runtime, project, fn } = fixture;
    const failure = await runtime.check(project([fn("api", source, rest)])).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "FUNCTION_START_FAILED", message: expect.stringMatching(message) });
    expect(String(failure)).not.toMatch(/fn0|\/tmp|workerd\/|NOSENTRY/);
  });

  it.each([
    [
      "memory",
      // A slow machine takes a while to fill it.
      3_000,
      "const keep = []; for (;;) keep.push(new Uint8Array(4e6).fill(1));",
      "It used more than 64 MB of memory",
    ],
    ["CPU time", 300, "for (;;) {}", "It used more than 0.3 s of CPU time"],
  ])("refuses a bundle that takes all %s as it is loaded", async (_name, startCpuLimitMs, source, message) => {
    const small = await createRuntimeFixture({ limits: { memoryLimitBytes: 64 * 1024 * 1024, startCpuLimitMs } });
    const failure = await small.runtime
      .check(small.project([small.fn("api", source)]))
      .catch((error: unknown) => error);
    await small.close();
    expect(failure).toMatchObject({
      code: "FUNCTION_START_FAILED",
      message: `The bundle does not start. ${message} while it started.`,
    });
  });

  it.each([
    ["of the runtime's own namespace", "cloudflare:workers"],
    ["with a line break", "a\n.js"],
  ])("refuses a module name %s", async (_name, module) => {
    const { runtime, project, fn } = fixture;
    await expect(runtime.check(project([fn("api", { "main.js": OK, [module]: "" })]))).rejects.toMatchObject({
      code: "FUNCTION_START_FAILED",
    });
  });

  it("refuses a main module that is not an ES module", async () => {
    const { runtime, project, fn } = fixture;
    await expect(runtime.check(project([fn("api", { "main.txt": "hello" })]))).rejects.toMatchObject({
      message: expect.stringContaining("is not an ES module"),
    });
  });
});
