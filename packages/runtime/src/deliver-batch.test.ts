import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRuntimeFixture, type RuntimeFixture } from "./runtime-fixture.ts";
import type { QueueMessage } from "./types.ts";

/** Each delivery does what the text of its first message says. */
const HANDLE = `async function handle(batch, env, ctx) {
  const [{ body, id }] = batch.messages;
  switch (body) {
    case "type-error": await scheduler.wait(1); throw new TypeError("no such user " + id);
    case "own": throw new (class Own extends Error { name = "Own" })("mine");
    case "text": throw "only a text";
    case "null": throw null;
    case "unreadable": throw { get toString() { throw new Error("hidden") } };
    case "wait-until": ctx.waitUntil(Promise.reject(new RangeError("in the background"))); break;
    case "hostile": throw new Error("line one\\nline two\\u001b[31m\\u202e\\u0000" + "\\ud83d" + "ü".repeat(100_000));
    case "flood": for (let n = 0; n < 5000; n++) console.log("a line"); throw new Error("after a flood");
    case "forged": for (let n = 0; n < 50; n++) console.log("\\u001e" + JSON.stringify({ delivery: "other", error: "forged" }));
      console.log('\\u001e{"delivery":'); console.log('\\u001e{"delivery":"' + "x".repeat(50_000)); throw new Error("true");
    case "replaced": console.log = () => {}; JSON.stringify = () => "no"; throw new Error("with other globals");
    case "slow": await scheduler.wait(50 - Number(id)); throw new Error("slow " + id);
  }
}`;
/** By the way that a function is loaded: its main module. */
const LOADED = {
  "behind the observer": `${HANDLE} export default { queue: handle };`,
  "with a tail worker": `${HANDLE} export class Other {} export default { queue: handle };`,
  "with a tail worker, as a class": `import { WorkerEntrypoint } from "cloudflare:workers"; ${HANDLE}
    export default class extends WorkerEntrypoint { queue(batch) { return handle(batch, this.env, this.ctx); } }`,
  "with a tail worker, as an object with private parts": `${HANDLE} export class Other {}
    class App { #handle = handle; queue(...values) { return this.#handle(...values); } }
    export default new App();`,
};

const message = (id: string, body: string): QueueMessage => ({
  id,
  timestamp: 0,
  attempts: 1,
  contentType: "text",
  body: Buffer.from(body).toString("base64"),
});

let fixture: RuntimeFixture;
afterEach(async () => {
  await fixture.close();
});

describe.each(Object.entries(LOADED))("a delivery to a function %s", (_way, source) => {
  beforeEach(async () => {
    fixture = await createRuntimeFixture({ limits: { logLinesPerSecond: 100, logLinesBurst: 1000 } });
    await fixture.runtime.configure(fixture.project([fixture.fn("api", source), fixture.fn("other", source)]));
  });
  const deliver = (body: string, id = "1") =>
    fixture.runtime.dispatchQueue("prj_test", "api@production@1", "jobs", [message(id, body), message(`${id}b`, "")]);

  it.each([
    ["type-error", "TypeError: no such user 1"],
    ["own", "Own: mine"],
    ["text", "only a text"],
    ["null", "null"],
    ["unreadable", null],
    ["forged", "Error: true"],
    ["replaced", "Error: with other globals"],
  ])("says what its queue() failed with: %s", async (body, error) => {
    expect(await deliver(body)).toMatchObject({ outcome: "exception", error });
  });

  it("says nothing where it ended well", async () => {
    expect(await deliver("")).toMatchObject({ outcome: "ok", error: null });
  });

  it("says it in one line of a kilobyte at most, without what a terminal would obey", async () => {
    const { error } = await deliver("hostile");
    expect(error).toMatch(/^Error: line one line two \[31m \ufffdü+…$/);
    expect(Buffer.byteLength(error ?? "")).toBeLessThanOrEqual(1024);
  });

  it("is told apart from others at the same time", async () => {
    const ids = Array.from({ length: 12 }, (_, index) => String(index));
    const outcomes = await Promise.all(ids.map((id) => deliver("slow", id)));
    expect(outcomes.map(({ error }) => error)).toEqual(ids.map((id) => `Error: slow ${id}`));
  });

  it("leaves the function's log as it was: the exception once, and nothing of how it is told", async () => {
    await deliver("own");
    await fixture.runtime.close();
    expect(fixture.tails.map(({ kind, message }) => [kind, message])).toEqual([["exception", "Own: mine"]]);
  });
});

describe("a delivery to an observed function", () => {
  beforeEach(async () => {
    fixture = await createRuntimeFixture({ limits: { logLinesPerSecond: 100, logLinesBurst: 1000 } });
    await fixture.runtime.configure(fixture.project([fixture.fn("api", LOADED["behind the observer"])]));
  });

  it.each([
    ["a promise for later that failed", "wait-until", "RangeError: in the background"],
    ["what it failed with after more lines than are kept", "flood", "Error: after a flood"],
  ])("says of %s", async (_what, body, error) => {
    const { runtime } = fixture;
    const outcome = await runtime.dispatchQueue("prj_test", "api@production@1", "jobs", [message("1", body)]);
    expect(outcome).toMatchObject({ outcome: "exception", error });
  });
});
