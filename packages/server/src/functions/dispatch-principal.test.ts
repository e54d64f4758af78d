import { createManualClock } from "@aerostack/kernel";
import { describe, expect, it } from "vitest";
import { createDispatchPrincipals } from "./dispatch-principal.ts";
import { createDispatchTokens } from "./dispatch-token.ts";
import type { RoutedProject } from "./route-table.ts";

const SHOP: RoutedProject = {
  id: "prj_1",
  slug: "shop",
  ownerId: "acc_1",
  organisationId: "org_1",
  functions: new Map(),
};

function open(project: (ref: string) => RoutedProject | null | Promise<RoutedProject | null>) {
  const clock = createManualClock(Date.UTC(2026, 5, 1));
  const tokens = createDispatchTokens(Buffer.alloc(32, 1), clock);
  const asked: string[] = [];
  const resolve = createDispatchPrincipals({
    tokens,
    routes: {
      project(ref) {
        asked.push(ref);
        return project(ref);
      },
    },
  });
  return { clock, tokens, asked, resolve };
}

describe("the project of a function that calls by its call's token", () => {
  it("is told by the token, as a secret key would tell it", async () => {
    for (const found of [SHOP, Promise.resolve(SHOP)]) {
      const { tokens, resolve } = open(() => found);
      const headers = { "x-as-dispatch-token": tokens.issue("prj_1"), "x-as-project-id": "prj_1" };
      expect(await resolve(headers)).toMatchObject({
        kind: "project",
        projectId: "prj_1",
        access: "secret",
        via: "function",
      });
    }
  });

  it("is none when the token is another project's, old, or not one, and then nothing is looked up", async () => {
    const { clock, tokens, asked, resolve } = open(() => SHOP);
    const token = tokens.issue("prj_1");
    for (const headers of [
      {},
      { "x-as-dispatch-token": token },
      { "x-as-project-id": "prj_1" },
      { "x-as-dispatch-token": token, "x-as-project-id": "prj_2" },
      { "x-as-dispatch-token": token, "x-as-project-id": "shop" },
      { "x-as-dispatch-token": `${token}x`, "x-as-project-id": "prj_1" },
      { "x-as-dispatch-token": `${token}, ${token}`, "x-as-project-id": "prj_1" },
    ]) {
      expect(await resolve(headers)).toBeNull();
    }
    clock.advance(17 * 60_000);
    expect(await resolve({ "x-as-dispatch-token": token, "x-as-project-id": "prj_1" })).toBeNull();
    expect(asked).toEqual([]);
  });

  it("is none once the project is gone", async () => {
    const { tokens, resolve } = open(() => null);
    expect(await resolve({ "x-as-dispatch-token": tokens.issue("prj_1"), "x-as-project-id": "prj_1" })).toBeNull();
  });
});
