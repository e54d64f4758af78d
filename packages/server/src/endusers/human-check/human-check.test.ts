import { expect, it } from "vitest";
import { createOutgoing, type OutgoingFetch } from "../../kernel/outgoing.ts";
import { TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import { createEndUserTest } from "../testing.ts";

describeEachControlDatabase("Turnstile", (openDatabase) => {
  async function open() {
    const asked: { url: string; form: Record<string, string> }[] = [];
    const state = { fails: false };
    const fetch: OutgoingFetch = async (url, init = {}) => {
      const form = Object.fromEntries(new URLSearchParams(String(init.body ?? "")));
      asked.push({ url, form });
      if (state.fails) throw new TypeError("fetch failed");
      return Response.json({ success: form.response === "solved" });
    };
    const test = await createEndUserTest(await openDatabase(), { outgoing: { ...createOutgoing(), fetch } });
    const shop = await test.createProject();
    const half = await shop.set({ turnstile: { enabled: true, siteKey: "site" } });
    expect(half.status).toBe(400);
    await shop.register("ada@example.com");
    await shop.set({ turnstile: { enabled: true, siteKey: "site", secretKey: "turnstile secret" } });
    return { ...test, shop, asked, state };
  }

  const REQUESTS: readonly (readonly [path: string, body: Record<string, unknown>])[] = [
    ["/register", { email: "new@example.com", password: TEST_PASSWORD }],
    ["/login", { email: "ada@example.com", password: TEST_PASSWORD }],
    ["/otp/send", { email: "ada@example.com" }],
    ["/reset-password-request", { email: "ada@example.com" }],
  ];

  it("is asked for where the project wants it, before anything is looked up or sent", async () => {
    const { shop, asked } = await open();
    for (const [path, body] of REQUESTS) {
      for (const turnstileToken of [undefined, "", "made up"]) {
        const answer = await shop.auth("POST", path, { body: { ...body, turnstileToken } });
        expect(answer, path).toMatchObject({ status: 403, body: { code: "AUTH_CAPTCHA_FAILED" } });
      }
      const solved = await shop.auth("POST", path, { body: { ...body, turnstileToken: "solved" } });
      expect([200, 201], path).toContain(solved.status);
    }
    expect(asked[0]).toEqual({
      url: "https://challenges.cloudflare.com/turnstile/v0/siteverify",
      form: { secret: "turnstile secret", response: "made up" },
    });
    expect((await shop.auth("GET", "/config")).body.turnstileSiteKey).toBe("site");
  });

  it("lets nobody through while Cloudflare does not answer", async () => {
    const { shop, state } = await open();
    state.fails = true;
    const body = { email: "ada@example.com", password: TEST_PASSWORD, turnstileToken: "solved" };
    expect((await shop.auth("POST", "/login", { body })).status).toBe(503);
  });
});
