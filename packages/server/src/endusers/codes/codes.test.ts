import { describe, expect, it } from "vitest";
import type { Limiter } from "../../kernel/limiter/limiter.ts";
import { TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { codeIn, createEndUserTest, type EndUserTestOptions, linkIn, tokenIn } from "../testing.ts";

const MINUTE_MS = 60_000;
/** What is tested holds without the limits that stand before it. */
const UNLIMITED: Limiter = {
  take: (_key, { limit }) => ({ allowed: true, limit, remaining: limit, resetAtMs: 0, retryAfterSeconds: 0 }),
  close: async () => undefined,
};

describeEachControlDatabase("codes and log-in links", (openDatabase) => {
  async function open(options: EndUserTestOptions = {}) {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql, options);
    const shop = await test.createProject();
    const send = (target: Record<string, unknown>, ip?: string) =>
      shop.auth("POST", "/otp/send", { body: target, ...(ip === undefined ? {} : { ip }) });
    const verify = (
      target: Record<string, unknown>,
      code: string,
      { ip, ...extra }: { ip?: string; ageConfirmed?: boolean } = {},
    ) => shop.auth("POST", "/otp/verify", { body: { ...target, code, ...extra }, ...(ip === undefined ? {} : { ip }) });
    /** Sends a code and gives it back. */
    const codeFor = async (target: Record<string, unknown>, ip?: string) => {
      expect((await send(target, ip)).status).toBe(200);
      return codeIn((await shop.outbox())[0]);
    };
    const wrong = (code: string) => (code === "000000" ? "000001" : "000000");
    return { ...test, sql: sql.withTables<EndUserTables>(), shop, send, verify, codeFor, wrong };
  }
  const ADA = { email: "ada@example.com" };

  it("logs a user in by a code in their mail, and signs up who is new", async () => {
    const { shop, verify, codeFor } = await open();
    const code = await codeFor(ADA);
    expect((await shop.outbox())[0]).toMatchObject({ kind: "otp-email", message: { to: ADA.email } });
    const answer = await verify({ email: "ADA@example.com" }, code);
    expect(answer).toMatchObject({ status: 200, body: { user: { email: ADA.email, emailVerified: true } } });
    const again = await verify(ADA, await codeFor(ADA));
    expect(again.body.user.id).toBe(answer.body.user.id);
    expect((await shop.auth("GET", "/me", { token: again.body.token })).status).toBe(200);
  });

  it("takes a code once, for ten minutes, and only the newest", async () => {
    const { verify, codeFor, clock } = await open();
    const first = await codeFor(ADA);
    const second = await codeFor(ADA);
    if (first !== second) expect((await verify(ADA, first)).body.code).toBe("AUTH_OTP_INVALID");
    expect((await verify(ADA, second)).status).toBe(200);
    expect(await verify(ADA, second)).toMatchObject({ status: 401, body: { code: "AUTH_OTP_EXPIRED" } });
    clock.advance(6 * MINUTE_MS);
    const third = await codeFor(ADA);
    clock.advance(10 * MINUTE_MS);
    expect(await verify(ADA, third)).toMatchObject({ status: 401, body: { code: "AUTH_OTP_EXPIRED" } });
  });

  it("P31 takes three wrong codes, then none for 60 minutes, the right one and a new one included", async () => {
    const { send, verify, codeFor, wrong, clock } = await open();
    const code = await codeFor(ADA);
    for (let i = 0; i < 3; i++) {
      expect(await verify(ADA, wrong(code))).toMatchObject({ status: 401, body: { code: "AUTH_OTP_INVALID" } });
    }
    const locked = await verify(ADA, code);
    expect(locked).toMatchObject({ status: 429, body: { code: "RATE_LIMIT_EXCEEDED" } });
    clock.advance(30 * MINUTE_MS);
    const half = await verify(ADA, code);
    expect(half.status).toBe(429);
    expect(Number(half.headers.get("retry-after"))).toBe(30 * 60);
    expect((await send(ADA)).status).toBe(429);
    clock.advance(30 * MINUTE_MS - 1_000);
    expect((await send(ADA)).status).toBe(429);
    clock.advance(1_000);
    expect((await verify(ADA, await codeFor(ADA))).status).toBe(200);
  });

  it("P31 counts wrong codes over the codes that are sent meanwhile, and over servers", async () => {
    const { shop, sql, clock, codeFor, verify, wrong } = await open();
    const other = await createEndUserTest(sql.withTables<unknown>(), { clock });
    await verify(ADA, wrong(await codeFor(ADA)));
    clock.advance(6 * MINUTE_MS);
    const second = await codeFor(ADA);
    const onOther = await other.auth(shop, "POST", "/otp/verify", { body: { ...ADA, code: wrong(second) } });
    expect(onOther.status).toBe(401);
    clock.advance(6 * MINUTE_MS);
    const third = await codeFor(ADA);
    expect((await verify(ADA, wrong(third))).status).toBe(401);
    expect((await verify(ADA, third)).status).toBe(429);
  });

  it("P31 counts each of many wrong codes that come at once", async () => {
    const { codeFor, verify, wrong } = await open();
    const code = await codeFor(ADA);
    const answers = await Promise.all(Array.from({ length: 10 }, () => verify(ADA, wrong(code))));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(3);
    expect((await verify(ADA, code)).status).toBe(429);
  });

  it("P31 judges three of 200 codes that come at once, the right one or not, and a restart forgives none", async () => {
    const { shop, sql, clock, codeFor, verify, wrong } = await open({ limiter: UNLIMITED });
    const code = await codeFor(ADA);
    const statuses = (answers: readonly { status: number }[]) => answers.filter(({ status }) => status === 401).length;
    const answers = await Promise.all(Array.from({ length: 200 }, () => verify(ADA, wrong(code))));
    expect(statuses(answers)).toBe(3);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(197);
    const restarted = await createEndUserTest(sql.withTables<unknown>(), { clock, limiter: UNLIMITED });
    const again = await restarted.auth(shop, "POST", "/otp/verify", { body: { ...ADA, code } });
    expect(again.status).toBe(429);
    const bob = { email: "bob@example.com" };
    const right = await codeFor(bob);
    const all = await Promise.all(Array.from({ length: 200 }, () => verify(bob, right)));
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it("P31 locks one address and no other", async () => {
    const { codeFor, verify, wrong } = await open();
    const code = await codeFor(ADA);
    for (let i = 0; i < 3; i++) await verify(ADA, wrong(code));
    const bob = { email: "bob@example.com" };
    expect((await verify(bob, await codeFor(bob))).status).toBe(200);
  });

  describe("P31 networks that a user has logged in from", () => {
    const HOME = "192.0.2.7";
    const NEIGHBOUR = "192.0.2.200";
    const STRANGER = "198.51.100.1";
    const lock = async (test: Awaited<ReturnType<typeof open>>, ip: string) => {
      const code = await test.codeFor(ADA, ip);
      for (let i = 0; i < 3; i++) expect((await test.verify(ADA, test.wrong(code), { ip })).status).toBe(401);
      expect((await test.verify(ADA, code, { ip })).status).toBe(429);
    };
    const openWithHome = async (options: EndUserTestOptions = { limiter: UNLIMITED }) => {
      const test = await open(options);
      expect((await test.verify(ADA, await test.codeFor(ADA, HOME), { ip: HOME })).status).toBe(200);
      return test;
    };

    it("P31 a stranger's wrong codes do not keep the owner out at home, on any server", async () => {
      const test = await openWithHome();
      await lock(test, STRANGER);
      const other = await createEndUserTest(test.sql.withTables<unknown>(), { clock: test.clock, limiter: UNLIMITED });
      const body = { ...ADA, code: await test.codeFor(ADA, HOME) };
      expect((await other.auth(test.shop, "POST", "/otp/verify", { body, ip: NEIGHBOUR })).status).toBe(200);
      expect((await test.send(ADA, STRANGER)).status).toBe(429);
      expect((await test.send(ADA, "203.0.113.5")).status).toBe(429);
    });

    it("P31 a stranger's calls use up no code and no limit of the owner at home", async () => {
      const test = await openWithHome({});
      test.clock.advance(10 * MINUTE_MS);
      const code = await test.codeFor(ADA, HOME);
      for (let i = 0; i < 3; i++) expect((await test.send(ADA, STRANGER)).status).toBe(200);
      expect((await test.send(ADA, STRANGER)).status).toBe(429);
      for (let i = 0; i < 3; i++) await test.verify(ADA, test.wrong(code), { ip: STRANGER });
      expect((await test.verify(ADA, code, { ip: HOME })).status).toBe(200);
    });

    it("P31 a known network has three guesses an hour of its own, and locks nobody elsewhere", async () => {
      const test = await openWithHome();
      await lock(test, NEIGHBOUR);
      expect((await test.send(ADA, HOME)).status).toBe(429);
      expect((await test.verify(ADA, await test.codeFor(ADA, STRANGER), { ip: STRANGER })).status).toBe(200);
      test.clock.advance(60 * MINUTE_MS);
      expect((await test.verify(ADA, await test.codeFor(ADA, HOME), { ip: HOME })).status).toBe(200);
    });

    it("P31 judges three of 200 codes that come at once from as many networks, beside one at home", async () => {
      const test = await openWithHome();
      await test.codeFor(ADA, STRANGER);
      const code = await test.codeFor(ADA, HOME);
      const answers = await Promise.all(
        Array.from({ length: 200 }, (_, i) => test.verify(ADA, test.wrong(code), { ip: `198.18.${i}.1` })),
      );
      expect(answers.filter(({ status }) => status === 401)).toHaveLength(3);
      expect(answers.filter(({ status }) => status === 429)).toHaveLength(197);
      const atHome = await Promise.all(Array.from({ length: 200 }, () => test.verify(ADA, code, { ip: HOME })));
      expect(atHome.filter(({ status }) => status === 200)).toHaveLength(1);
    });

    it("takes a code that was asked for at home from the road, once, and the other way round", async () => {
      const test = await openWithHome();
      const code = await test.codeFor(ADA, HOME);
      expect((await test.verify(ADA, code, { ip: STRANGER })).status).toBe(200);
      expect((await test.verify(ADA, code, { ip: HOME })).body.code).toBe("AUTH_OTP_EXPIRED");
      const onTheRoad = await test.codeFor(ADA, "203.0.113.5");
      expect((await test.verify(ADA, onTheRoad, { ip: HOME })).status).toBe(200);
      expect((await test.verify(ADA, onTheRoad, { ip: HOME })).body.code).toBe("AUTH_OTP_EXPIRED");
    });

    it("P31 a lock from where no code was asked for lasts its hour", async () => {
      const test = await openWithHome();
      const code = await test.codeFor(ADA, STRANGER);
      for (let i = 0; i < 3; i++) expect((await test.verify(ADA, test.wrong(code), { ip: HOME })).status).toBe(401);
      test.clock.advance(59 * MINUTE_MS);
      await test.endUsers.removeExpired();
      const later = await test.codeFor(ADA, STRANGER);
      expect((await test.verify(ADA, later, { ip: HOME })).status).toBe(429);
    });

    it("knows the five networks used last for 90 days, as hashes, and none of who registered an address unproven", async () => {
      const test = await openWithHome();
      const rows = () => test.sql.db.selectFrom("end_user_known_networks").selectAll().execute();
      for (let i = 0; i < 7; i++) {
        const ip = `198.18.${i}.1`;
        expect((await test.verify(ADA, await test.codeFor(ADA, ip), { ip })).status).toBe(200);
      }
      expect(await rows()).toHaveLength(5);
      expect(JSON.stringify(await rows())).not.toMatch(/192\.0\.2|198\.18/);
      await lock(test, STRANGER);
      expect((await test.send(ADA, HOME)).status).toBe(429);
      expect((await test.send(ADA, "198.18.6.9")).status).toBe(200);
      test.clock.advance(90 * 24 * 60 * MINUTE_MS);
      await test.endUsers.removeExpired();
      expect(await rows()).toEqual([]);
      // Whoever types somebody else's address into a sign-up form is not known to be its owner.
      const bob = { email: "bob@example.com" };
      const body = { ...bob, password: TEST_PASSWORD };
      expect((await test.shop.auth("POST", "/register", { body, ip: STRANGER })).status).toBe(201);
      const code = await test.codeFor(bob, HOME);
      for (let i = 0; i < 3; i++) await test.verify(bob, test.wrong(code), { ip: HOME });
      expect((await test.send(bob, STRANGER)).status).toBe(429);
    });
  });

  it("P27 stores codes so that who reads the table cannot try them all", async () => {
    const { codeFor, sql } = await open();
    const code = await codeFor(ADA);
    const rows = JSON.stringify(await sql.db.selectFrom("end_user_otps").selectAll().execute());
    expect(rows).not.toContain(code);
    expect(rows).not.toContain(ADA.email);
    expect(rows).toMatch(/"code_hash":"[0-9a-f]{64}"/);
  });

  it("sends three codes in five minutes to one address, and answers alike whether it has a user", async () => {
    const { shop, send } = await open();
    await shop.set({ signUp: "closed" });
    const answers = [];
    for (const email of ["nobody@example.com", ADA.email]) {
      for (let i = 0; i < 4; i++) answers.push(await send({ email }));
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 200, 200, 200, 429]);
    expect(answers[0]?.body).toEqual(answers[4]?.body);
    expect(await shop.outbox()).toEqual([]);
  });

  it("takes a password and sessions from who signed up with an address before its owner came", async () => {
    const { shop, verify, codeFor } = await open();
    const { body: attacker } = await shop.register(ADA.email, { password: "Attackers-Word-1" });
    const { body: owner } = await verify(ADA, await codeFor(ADA));
    expect(owner.user.id).toBe(attacker.user.id);
    expect((await shop.auth("GET", "/me", { token: attacker.token })).status).toBe(401);
    expect((await shop.login(ADA.email, "Attackers-Word-1")).status).toBe(401);
    expect((await shop.auth("GET", "/me", { token: owner.token })).status).toBe(200);
  });

  it("leaves the password of who has confirmed their address", async () => {
    const { shop, verify, codeFor } = await open();
    await shop.register(ADA.email);
    await shop.auth("GET", `/verify-email?token=${tokenIn((await shop.outbox())[0])}`);
    expect((await verify(ADA, await codeFor(ADA))).status).toBe(200);
    expect((await shop.login(ADA.email)).status).toBe(200);
  });

  it("logs in by a code to a phone, whatever way the number is typed, and shows a placeholder address", async () => {
    const { shop, verify, codeFor } = await open();
    const code = await codeFor({ phone: "+1 (415) 555-0123" });
    const [text] = await shop.outbox();
    expect(text).toMatchObject({ channel: "sms", kind: "otp-phone", message: { to: "+14155550123", subject: "" } });
    expect(text?.message.text.length).toBeLessThan(160);
    const answer = await verify({ phone: "+14155550123" }, code);
    expect(answer).toMatchObject({ status: 200, body: { user: { phone: "+14155550123", phoneVerified: true } } });
    expect(answer.body.user.email).toBe(`${answer.body.user.id}@users.invalid`);
    const again = await verify({ phone: "+1-415-555-0123" }, await codeFor({ phone: "+14155550123" }));
    expect(again.body.user.id).toBe(answer.body.user.id);
  });

  it.each([
    [{}, "neither"],
    [{ email: "ada@example.com", phone: "+14155550123" }, "both"],
    [{ phone: "0123" }, "no country code"],
    [{ email: "nobody" }, "no address"],
  ])("refuses a target of %j (%s)", async (target, _why) => {
    const { send } = await open();
    expect(await send(target)).toMatchObject({ status: 400, body: { code: "VALIDATION_ERROR" } });
  });

  it("offers what the project offers", async () => {
    const { shop, send } = await open();
    await shop.set({ otp: { email: false, phone: false }, magicLink: { enabled: false } });
    for (const target of [ADA, { phone: "+14155550123" }]) {
      expect(await send(target)).toMatchObject({ status: 403, body: { code: "AUTH_METHOD_DISABLED" } });
    }
    const link = await shop.auth("POST", "/magic-link", { body: ADA });
    expect(link).toMatchObject({ status: 403, body: { code: "AUTH_METHOD_DISABLED" } });
  });

  it("logs in by a link, once and for 15 minutes", async () => {
    const { shop, clock } = await open();
    const request = (body: Record<string, unknown>) => shop.auth("POST", "/magic-link", { body });
    expect(await request(ADA)).toMatchObject({ status: 400, body: { field: "redirectTo" } });
    await shop.set({ urls: { site: "https://app.example.com/" } });
    expect(await request({ ...ADA, redirectTo: "https://evil.example/" })).toMatchObject({ status: 400 });
    await request({ ...ADA, redirectTo: "https://app.example.com/login" });
    const [mail] = await shop.outbox();
    expect(linkIn(mail).href).toMatch(/^https:\/\/app\.example\.com\/login\?token=ml_\w+&type=magic-link$/);
    const verify = (token: string) => shop.auth("POST", "/magic-link/verify", { body: { token } });
    const answer = await verify(tokenIn(mail));
    expect(answer).toMatchObject({ status: 200, body: { user: { email: ADA.email, emailVerified: true } } });
    expect(await verify(tokenIn(mail))).toMatchObject({ status: 401, body: { code: "AUTH_TOKEN_INVALID" } });
    await request(ADA);
    const late = tokenIn((await shop.outbox())[0]);
    clock.advance(15 * MINUTE_MS);
    expect((await verify(late)).status).toBe(401);
  });

  it("P42 asks newcomers who come by a code for their age, where the project wants it, and keeps nobody under 16", async () => {
    const { shop, verify, codeFor, sql } = await open();
    await shop.set({ requireAgeConfirmation: true });
    expect((await verify(ADA, await codeFor(ADA))).status).toBe(400);
    expect((await verify(ADA, await codeFor(ADA), { ageConfirmed: false })).status).toBe(403);
    expect(await sql.db.selectFrom("end_users").selectAll().execute()).toEqual([]);
    expect((await verify(ADA, await codeFor(ADA), { ageConfirmed: true })).status).toBe(200);
  });
});
