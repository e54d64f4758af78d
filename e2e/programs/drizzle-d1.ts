import { expect } from "vitest";
import type { ThirdPartyProgram } from "./third-party-program.ts";

export const drizzleD1: ThirdPartyProgram = {
  name: "drizzle-d1",
  // Its "buffer" columns are Node's.
  compatibilityFlags: ["nodejs_compat"],
  guarantees: {
    async "Drizzle creates, inserts, relates, batches, joins, upserts and deletes on D1"(call) {
      const answer = await call("/");
      expect(await answer.json()).toEqual({
        ada: {
          id: 1,
          email: "ada@example.com",
          settings: { theme: "dark" },
          active: true,
          createdAt: expect.stringMatching(/^20\d\d-/),
          avatar: [1, 2, 250],
        },
        batched: { returned: [{ id: 1 }], changes: 1, counted: [{ n: 3 }] },
        batchError: expect.stringContaining("UNIQUE constraint failed: drizzle_users.email"),
        // A batch is one transaction: what came before the failing statement is gone too.
        afterFailedBatch: { n: 3 },
        upserted: [{ id: 1, settings: { theme: "light" } }],
        relational: [
          { email: "ada@example.com", active: true, posts: [{ title: "Two" }, { title: "One" }] },
          { email: "bob@example.com", active: false, posts: [{ title: "Three" }] },
        ],
        nested: { title: "Two", author: "ada@example.com", theme: "light" },
        joined: [
          { email: "ada@example.com", total: 4, n: 2 },
          { email: "bob@example.com", total: 0, n: 1 },
        ],
        found: [{ title: "Two" }],
        updatedRows: 1,
        // Foreign keys are on: deleting Bob deleted his post.
        left: { n: 2 },
        foreignKeyError: expect.stringContaining("FOREIGN KEY constraint failed"),
      });
    },
  },
};
