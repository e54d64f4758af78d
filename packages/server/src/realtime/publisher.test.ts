import { PLANS, type Plan } from "@aerostack/contracts";
import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { createPublisher, type NewMessage } from "./publisher.ts";

function open(limits: Partial<Plan["realtime"]>) {
  const clock = createManualClock(Date.UTC(2026, 5, 1));
  const published: unknown[] = [];
  const kept: unknown[] = [];
  const publish = createPublisher({
    hub: {
      async publish(frames) {
        published.push(...frames);
        return [];
      },
    },
    store: { keep: async (_projectId, message) => void kept.push(message) },
    quota: { take: async () => {}, undo: () => {} },
    rooms: { enter: async () => {} },
    clock,
    planOf: () => ({ realtime: { ...PLANS.free.realtime, ...limits } }),
    share: undefined,
    onError: () => {},
  });
  const say = (data: unknown, more: Partial<NewMessage> = {}) =>
    publish({
      projectId: "prj_a",
      topic: { full: "room/prj_a", name: "room", shown: "room/prj_a" },
      kind: "event",
      event: "e",
      data,
      userId: null,
      persist: true,
      ...more,
    });
  return { say, published, kept, clock };
}

describe("publishing", () => {
  it("takes a message of the plan's size in bytes and none that is larger, of which nothing is kept", async () => {
    const { say, published, kept } = open({ messageBytes: 12 });
    await say("é".repeat(5));
    await expect(say("é".repeat(6))).rejects.toMatchObject({ code: "VALUE_TOO_LARGE" });
    expect([published.length, kept.length]).toEqual([1, 1]);
  });

  it("takes as many events of a project as its plan says, whoever publishes, and other projects are not held back", async () => {
    const { say, published, clock } = open({ publishedPerSecond: 2 });
    for (let n = 0; n < 20; n++) await say(n, { userId: `usr_${n}`, persist: false });
    await expect(say("one more")).rejects.toMatchObject({ code: "RATE_LIMIT_EXCEEDED" });
    await say("another project's", { projectId: "prj_b" });
    clock.advance(10_000);
    await say("later");
    expect(published).toHaveLength(22);
  });
});
