import { expect } from "vitest";
import { postJson, type ThirdPartyProgram } from "./third-party-program.ts";

export const zodForms: ThirdPartyProgram = {
  name: "zod-forms",
  guarantees: {
    async "zod parses, coerces, transforms and fills defaults"(call) {
      const answer = await call(
        "/",
        postJson({
          id: "0192f0c1-7f3a-7c4e-8a51-1d2e3f4a5b6c",
          email: "Ada@Example.com",
          placedAt: "2026-02-03T04:05:06Z",
          lines: [{ sku: "lamp", quantity: 2 }],
          address: { street: "Main", zip: "12345" },
          payment: { kind: "card", last4: "4242" },
        }),
      );
      expect([answer.status, await answer.json()]).toEqual([
        200,
        expect.objectContaining({ email: "ada@example.com", placedAt: "2026-02-03T04:05:06.000Z", notes: "none" }),
      ]);
    },
    async "zod names every field that is wrong"(call) {
      const answer = await call(
        "/",
        postJson({ id: "x", email: "no", placedAt: "?", lines: [], address: {}, payment: { kind: "cash" }, extra: 1 }),
      );
      expect(answer.status).toBe(400);
      const { tree, pretty } = (await answer.json()) as {
        tree: { errors: string[]; properties: Record<string, unknown> };
        pretty: string;
      };
      expect(Object.keys(tree.properties).sort()).toEqual(["address", "email", "id", "lines", "payment", "placedAt"]);
      expect(tree.errors.join()).toContain("extra");
      expect(pretty).toContain("at address.street");
    },
    async "zod writes a JSON schema"(call) {
      expect(await (await call("/schema")).json()).toMatchObject({
        type: "object",
        required: ["street", "zip"],
        properties: { zip: { pattern: "^\\d{5}$" } },
      });
    },
  },
};
