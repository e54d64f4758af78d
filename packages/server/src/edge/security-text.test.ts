import { Hono } from "hono";
import { expect, it } from "vitest";
import { loadConfig } from "../kernel/config.ts";
import type { AppEnv } from "./app-env.ts";
import { addSecurityText } from "./security-text.ts";

it("P33 names a contact in security.txt that is valid whenever it is read", async () => {
  let now = Date.UTC(2026, 0, 1);
  const app = new Hono<AppEnv>();
  addSecurityText({
    contact: "mailto:security@example.com",
    origin: "https://api.example.com",
    validDays: 180,
    now: () => now,
  })(app);
  for (const time of [now, Date.UTC(2036, 5, 5)]) {
    now = time;
    const answer = await app.request("/.well-known/security.txt");
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain/);
    const fields = Object.fromEntries(
      (await answer.text())
        .trim()
        .split("\n")
        .map((line) => line.split(/: (.*)/, 2)),
    );
    expect(fields.Contact).toBe("mailto:security@example.com");
    expect(fields.Canonical).toBe("https://api.example.com/.well-known/security.txt");
    expect(Date.parse(fields.Expires ?? "") - now).toBe(180 * 24 * 60 * 60_000);
  }
});

it("P33 does not start with a contact that is neither an address nor a page", () => {
  expect(() => loadConfig({ AEROSTACK_SECURITY_CONTACT: "ask me" })).toThrow(/AEROSTACK_SECURITY_CONTACT/);
  expect(loadConfig({}).securityContact).toMatch(/^mailto:/);
});
