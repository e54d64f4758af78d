import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { call, createRuntimeFixture, type RuntimeFixture } from "./runtime-fixture.ts";

// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const ADD_WASM = Buffer.from(
  "0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b",
  "hex",
);

describe("serving functions", () => {
  let fixture: RuntimeFixture;
  beforeEach(async () => {
    fixture = await createRuntimeFixture();
  });
  afterEach(async () => {
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

  it("lets all who ask at once share one start", async () => {
    const { runtime, project, fn } = fixture;
    const spec = fn("api", "export default { fetch: () => new Response('ok') };");
    await runtime.configure(project([spec]));
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(fixture, spec.key)));
    expect(answers.map((one) => one.text)).toEqual(Array(20).fill("ok"));
    expect(runtime.stats().starts).toBe(1);
    // Once it runs, the way is known without waiting.
    expect(runtime.route("prj_test", spec.key)).not.toBeInstanceOf(Promise);
  });

  it("does not know functions and projects that are not configured", async () => {
    const { runtime, project, fn } = fixture;
    await runtime.configure(project([fn("api", "export default {}")]));
    for (const [projectId, key] of [
      ["prj_other", "api@production@1"],
      ["prj_test", "api@production@2"],
      ["prj_test", "__proto__"],
    ] as const) {
      await expect(Promise.resolve(runtime.route(projectId, key))).rejects.toMatchObject({
        code: "FUNCTION_NOT_FOUND",
      });
    }
  });

  it("reads every type of module", async () => {
    const { runtime, project, fn } = fixture;
    const main = `
      import cjs from "./lib/old.cjs";
      import text from "./note.txt";
      import data from "./raw.bin";
      import wasm from "./add.wasm";
      import json from "./conf.json";
      import { twice } from "./twice.js";
      export default { async fetch() {
        const { exports } = await WebAssembly.instantiate(wasm);
        return Response.json({ cjs, text, data: [...new Uint8Array(data)], sum: exports.add(20, 22), json, twice: twice(4) });
      } };`;
    const spec = fn("api", {
      "main.js": main,
      "lib/old.cjs": "module.exports = { old: true };",
      "note.txt": "größe",
      "raw.bin": Uint8Array.of(0, 255, 7),
      "add.wasm": ADD_WASM,
      "conf.json": '{"a":[1]}',
      "twice.js": "export const twice = (n) => n * 2;",
    });
    await runtime.configure(project([spec]));
    expect(JSON.parse((await call(fixture, spec.key)).text)).toEqual({
      cjs: { old: true },
      text: "größe",
      data: [0, 255, 7],
      sum: 42,
      json: { a: [1] },
      twice: 8,
    });
  });

  const ROOM = 'import { DurableObject } from "cloudflare:workers"; export class Room extends DurableObject {}';
  it.each([
    ["no default export", ROOM],
    ["a function as the default", `${ROOM} export default () => new Response("ok");`],
    ["a class of objects as the default", `${ROOM} export default Room;`],
    ["no object as the default", `${ROOM} export default null;`],
    ["a default without fetch()", "export default { queue() {} };"],
  ])("passes no request on to the host that it names, where a function has %s", async (_name, source) => {
    const { runtime, project, fn } = fixture;
    const spec = fn("api", source);
    await runtime.configure(project([spec]));
    // The egress filter would answer 502: there is no such host.
    expect(await call(fixture, spec.key)).toMatchObject({ status: 500, text: "Internal Server Error" });
  });

  it("offers Node's modules under nodejs_compat", async () => {
    const { runtime, project, fn } = fixture;
    const source = `
      import { Buffer } from "node:buffer";
      import { createHash } from "node:crypto";
      export default { fetch: () => new Response(createHash("sha256").update(Buffer.from("a")).digest("hex")) };`;
    const spec = fn("api", source, { compatibilityFlags: ["nodejs_compat"] });
    await runtime.configure(project([spec]));
    expect((await call(fixture, spec.key)).text).toBe(
      "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    );
  });

  it("binds functions of the project to each other, by fetch and by RPC, within environment and rollout", async () => {
    const { runtime, project, fn } = fixture;
    const target = (text: string) => `
      import { WorkerEntrypoint } from "cloudflare:workers";
      export class Sums extends WorkerEntrypoint { add(a, b) { return "${text}:" + (a + b); } }
      export default { fetch: () => new Response("${text}") };`;
    const source = `export default { async fetch(_req, env) {
      return new Response(await (await env.AUTH.fetch("http://auth/")).text() + " " + await env.SUMS.add(2, 3)); } };`;
    const config = {
      services: [
        { binding: "AUTH", service: "auth" },
        { binding: "SUMS", service: "auth", entrypoint: "Sums" },
      ],
    };
    const functions = [
      fn("auth", target("old"), { versionNumber: 1 }),
      fn("auth", target("new"), { versionNumber: 2, rollout: "candidate" }),
      fn("auth", target("staging"), { versionNumber: 3, environment: "staging" }),
      fn("api", source, { config, versionNumber: 1 }),
      fn("api", source, { config, versionNumber: 2, rollout: "candidate" }),
      fn("api", source, { config, environment: "staging" }),
    ];
    await runtime.configure(project(functions));
    expect((await call(fixture, "api@production@1")).text).toBe("old old:5");
    expect((await call(fixture, "api@production@2")).text).toBe("new new:5");
    expect((await call(fixture, "api@staging@1")).text).toBe("staging staging:5");
  });

  it("fails only the binding whose function was deleted", async () => {
    const { runtime, project, fn } = fixture;
    const source = `export default { async fetch(_req, env) {
      try { await env.AUTH.fetch("http://auth/"); return new Response("reached"); }
      catch (error) { return new Response(error.message); } } };`;
    const spec = fn("api", source, { config: { services: [{ binding: "AUTH", service: "auth" }] } });
    await runtime.configure(project([spec]));
    expect((await call(fixture, spec.key)).text).toBe(
      "The binding 'AUTH' refers to the function 'auth', which is not deployed any more.",
    );
  });

  it("leads each binding to the data host with the process's token and the resource, which functions cannot forge", async () => {
    const seen: { binding: unknown; token: unknown; method: unknown; url: unknown }[] = [];
    const host = createServer((req: IncomingMessage, res) => {
      const { "x-aero-binding": binding, "x-aero-token": token } = req.headers;
      seen.push({ binding, token, method: req.method, url: req.url });
      req.resume().on("end", () => {
        const isD1 = String(binding).startsWith("d1:");
        res.writeHead(200, { "content-type": "application/json" });
        res.end(isD1 ? '{"success":true,"results":{"columns":["n"],"rows":[[7]]},"meta":{}}' : "value");
      });
    });
    await new Promise<void>((resolve) => host.listen(join(fixture.dataDir, "run", "host.sock"), resolve));
    try {
      const { runtime, project, fn } = fixture;
      const source = `export default { async fetch(_req, env) {
        const row = await env.DB.prepare("SELECT 7 AS n").first();
        return Response.json([await env.CACHE.get("k"), await env.USERS.get("u"), row,
          typeof env.STORAGE.put, typeof env.QUEUE.sendBatch, typeof env.DB.withSession]); } };`;
      const spec = fn("api", source, { config: { kvNamespaces: [{ binding: "USERS", namespace: "users" }] } });
      await runtime.configure(project([spec]));
      const { text } = await call(fixture, spec.key, "/", { headers: { "x-aero-token": "forged" } });
      expect(JSON.parse(text)).toEqual(["value", "value", { n: 7 }, "function", "function", "function"]);
      expect(seen.map((one) => one.binding)).toEqual(["d1:main", "kv:default", "kv:users"]);
      expect(new Set(seen.map((one) => one.token))).toEqual(new Set(fixture.grants.keys()));
    } finally {
      host.closeAllConnections();
      host.close();
    }
  });

  it("answers the Cache API with misses, so that programs that use it run", async () => {
    const { runtime, project, fn } = fixture;
    const source = `export default { async fetch() {
      await caches.default.put("http://x/y", new Response("v"));
      const hit = await caches.default.match("http://x/y");
      return new Response(String(hit) + " " + await caches.default.delete("http://x/y")); } };`;
    const spec = fn("api", source);
    await runtime.configure(project([spec]));
    expect((await call(fixture, spec.key)).text).toBe("undefined false");
  });

  it("hands over neither environment nor files nor an interpreter of text", async () => {
    const { runtime, project, fn } = fixture;
    const source = `
      import fs from "node:fs";
      export default { fetch() {
        const attempt = (work) => { try { return String(work()); } catch (error) { return "refused"; } };
        return Response.json({
          env: attempt(() => JSON.stringify(Object.keys(process.env).filter((name) => /PATH|HOME|USER/.test(name)))),
          passwd: attempt(() => fs.readFileSync("/etc/passwd", "utf8").length),
          proc: attempt(() => fs.readdirSync("/proc").length),
          eval: attempt(() => eval("1")),
        }); } };`;
    const spec = fn("api", source, { compatibilityFlags: ["nodejs_compat"] });
    await runtime.configure(project([spec]));
    expect(JSON.parse((await call(fixture, spec.key)).text)).toEqual({
      env: "[]",
      passwd: "refused",
      proc: "refused",
      eval: "refused",
    });
  });
});
