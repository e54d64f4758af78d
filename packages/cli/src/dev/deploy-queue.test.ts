import { describe, expect, it } from "vitest";
import { createDeployQueue } from "./deploy-queue.ts";

/** A queue whose deployments end when the test says so. */
function controlled(names: readonly string[]) {
  const started: string[] = [];
  let end = (): void => {};
  const queue = createDeployQueue<number>(names, async (name, item) => {
    started.push(`${name}${item}`);
    await new Promise<void>((resolve) => {
      end = resolve;
    });
  });
  const finish = async (): Promise<void> => {
    end();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, started, finish };
}

describe("the deploy queue", () => {
  it("waits for the first build of every function, then deploys in the given order", async () => {
    const { queue, started, finish } = controlled(["mailer", "main"]);
    queue.push("main", 1);
    expect(started).toEqual([]);
    queue.push("mailer", 1);
    await finish();
    await finish();
    expect(started).toEqual(["mailer1", "main1"]);
  });

  it("deploys one at a time, and only the newest of what came meanwhile", async () => {
    const { queue, started, finish } = controlled(["main"]);
    for (const build of [1, 2, 3]) queue.push("main", build);
    expect(started).toEqual(["main1"]);
    await finish();
    expect(started).toEqual(["main1", "main3"]);
    await finish();
    queue.push("main", 4);
    await finish();
    expect(started).toEqual(["main1", "main3", "main4"]);
  });

  it("starts nothing once it is closed", async () => {
    const { queue, started, finish } = controlled(["main"]);
    queue.push("main", 1);
    queue.push("main", 2);
    const closed = queue.close();
    await finish();
    await closed;
    expect(started).toEqual(["main1"]);
  });
});
