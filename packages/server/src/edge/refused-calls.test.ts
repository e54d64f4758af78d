import { afterEach, expect, it } from "vitest";
import { createTestApp } from "../testing.ts";
import { openControlSqlite } from "../testing-database.ts";
import { createRefusedCalls } from "./refused-calls.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function openCounter() {
  const told: string[] = [];
  const lookedUp: string[] = [];
  const refused = createRefusedCalls({
    async findProject(name) {
      lookedUp.push(name);
      return name === "shop" || name === "prj_shop" ? { id: "prj_shop" } : undefined;
    },
    tellProject: (projectId, message) => told.push(`${projectId}: ${message}`),
    onError: (error) => {
      throw error;
    },
  });
  return { refused, told, lookedUp };
}

it("a project is told once of all calls that the limit for their address refused, by slug or id", async () => {
  const { refused, told } = openCounter();
  const { call } = await createTestApp(await openControlSqlite(cleanups), {
    anonymousPerMinute: 2,
    onRefused: refused.note,
  });
  const statuses = [];
  for (const name of ["shop", "shop", "shop", "prj_shop", "shop", "nobody"]) {
    statuses.push((await call("GET", `/api/v1/public/projects/${name}/auth/me`)).status);
  }
  expect(statuses.slice(2)).toEqual([429, 429, 429, 429]);
  expect((await call("POST", "/api/auth/login", { body: {} })).status).toBe(429);
  await refused.tell();
  const line = "prj_shop: 3 calls were refused within a minute, because too many came from one address.";
  expect(told).toEqual([line]);
  await refused.tell();
  expect(told).toEqual([line]);
});

it("a flood under any number of names costs no more than a thousand look-ups and no line for who is not there", async () => {
  const { refused, told, lookedUp } = openCounter();
  for (let i = 0; i < 5_000; i++) refused.note(`/api/v1/public/projects/name-${i}/auth/login`);
  for (let i = 0; i < 100_000; i++) refused.note("/api/v1/public/projects/name-1/auth/login");
  refused.note(`/api/v1/public/projects/${"x".repeat(10_000)}/auth/login`);
  await refused.tell();
  expect(lookedUp).toHaveLength(1_000);
  expect(told).toEqual([]);
  refused.note("/api/v1/public/projects/shop/auth/login");
  await refused.close();
  expect(told).toEqual(["prj_shop: 1 call was refused within a minute, because too many came from one address."]);
});
