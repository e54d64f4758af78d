import { expect, it } from "vitest";
import { createTestApp, createTestSecrets } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const ROUNDS = 12;

describeEachControlDatabase(
  "an organisation that is deleted while a project is made or moved into it",
  (openDatabase) => {
    it("either keeps the project or is gone, on two servers, and nobody meets a defect", async () => {
      const sql = await openDatabase();
      const secrets = createTestSecrets();
      const test = await createTestApp(sql, { secrets });
      const other = await createTestApp(sql, { secrets, clock: test.clock });
      const ada = await test.createDeveloper("ada@example.com");
      const headers = { "x-api-key": ada.accountKey };
      const outcomes = new Set<string>();
      for (let round = 0; round < ROUNDS; round++) {
        const { body } = await ada.call("POST", "/api/v1/organisations", { name: `Team ${round}` });
        const organisation: string = body.organisation.id;
        const path = `/api/v1/organisations/${organisation}`;
        const make = () => other.call("POST", "/api/v1/projects", { headers, body: { name: "Shop", organisation } });
        const remove = () => ada.call("DELETE", path);
        const answers = await Promise.all(round % 2 === 0 ? [make(), remove()] : [remove(), make()]);
        const [made, removed] = round % 2 === 0 ? answers : answers.toReversed();
        outcomes.add(`${made?.status} ${removed?.status}`);
        const left = (await ada.call("GET", path)).status;
        expect(left).toBe(removed?.status === 200 ? 404 : 200);
      }
      for (const outcome of outcomes) expect(["201 409", "404 200"]).toContain(outcome);
    });
  },
);
