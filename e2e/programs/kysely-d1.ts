import { expect } from "vitest";
import type { ThirdPartyProgram } from "./third-party-program.ts";

export const kyselyD1: ThirdPartyProgram = {
  name: "kysely-d1",
  guarantees: {
    async "Kysely builds a schema, inserts, joins, pages, upserts and deletes on D1"(call) {
      const answer = await call("/");
      expect(await answer.json()).toEqual({
        ada: { id: 1, name: "Ada", age: 36 },
        insertedId: 2,
        upserted: { age: 37 },
        joined: [{ name: "Ada", pets: 2, last: "Byte" }],
        paged: [{ name: "Byte" }],
        updatedRows: 1,
        raw: [{ total: 1 }],
        checkError: expect.stringContaining("CHECK constraint failed: species IN ('cat', 'dog')"),
        missingTable: expect.stringContaining("no such table: kysely_nowhere"),
        deletedRows: 1,
        orphans: [],
      });
    },
  },
};
