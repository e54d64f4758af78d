import { DEVICE_GRANT_TYPE } from "@aerostack/contracts";
import { expect, it } from "vitest";
import { createTestApp } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

describeEachControlDatabase("device log-in (RFC 8628)", (openDatabase) => {
  async function start() {
    const test = await createTestApp(await openDatabase());
    const ada = await test.createDeveloper("ada@example.com");
    const { body: started } = await test.call("POST", "/api/auth/device/code", {
      body: { client_id: "aerostack-cli" },
    });
    const poll = (clientId = "aerostack-cli") =>
      test.call("POST", "/api/auth/device/token", {
        body: { grant_type: DEVICE_GRANT_TYPE, device_code: started.device_code, client_id: clientId },
      });
    const decide = (userCode: string, approve: boolean) =>
      test.call("POST", "/api/auth/device/decide", { body: { user_code: userCode, approve }, headers: ada.bearer });
    return { ...test, ada, started, poll, decide };
  }

  it("hands an account key to the program once, after the person has approved", async () => {
    const { started, poll, decide, call, clock } = await start();
    expect(started).toMatchObject({ expires_in: 600, interval: 5, verification_uri: "http://aerostack.test/device" });
    expect(started.user_code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/);
    expect((await poll()).body.error).toBe("authorization_pending");
    expect((await decide(started.user_code.toLowerCase().replace("-", " "), true)).status).toBe(200);
    clock.advance(5_000);
    const done = await poll();
    expect(done.status).toBe(200);
    const validated = await call("POST", "/api/v1/cli/validate", { headers: { "x-api-key": done.body.api_key } });
    expect(validated.body).toMatchObject({ keyType: "account", email: "ada@example.com" });
    expect((await poll()).body.error).toBe("expired_token");
  });

  it("slows down a program that asks too soon", async () => {
    const { poll, clock } = await start();
    expect((await poll()).body.error).toBe("authorization_pending");
    clock.advance(1_000);
    expect((await poll()).body.error).toBe("slow_down");
    clock.advance(9_000);
    expect((await poll()).body.error).toBe("slow_down");
    clock.advance(15_000);
    expect((await poll()).body.error).toBe("authorization_pending");
  });

  it("tells the program when the person refuses or lets the code expire", async () => {
    const refused = await start();
    await refused.decide(refused.started.user_code, false);
    expect((await refused.poll()).body.error).toBe("access_denied");
    const forgotten = await start();
    forgotten.clock.advance(600_001);
    expect((await forgotten.poll()).body.error).toBe("expired_token");
    expect((await forgotten.decide(forgotten.started.user_code, false)).status).toBe(404);
  });

  it("keeps a code to the program that started it, and lets nobody try codes without end", async () => {
    const { poll, decide, started } = await start();
    expect((await poll("another-program")).body.error).toBe("expired_token");
    for (let attempt = 0; attempt < 10; attempt++) expect((await decide("BBBB-BBBB", true)).status).toBe(404);
    expect((await decide(started.user_code, true)).status).toBe(429);
  });

  it("takes forms, as clients of RFC 8628 send them, and nothing that is there twice", async () => {
    const { call, decide, clock } = await start();
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const begun = await call("POST", "/api/auth/device/code", { headers: form, body: "client_id=another-program" });
    expect(begun.status).toBe(200);
    await decide(begun.body.user_code, true);
    clock.advance(5_000);
    const body = new URLSearchParams({
      grant_type: DEVICE_GRANT_TYPE,
      device_code: begun.body.device_code,
      client_id: "another-program",
    }).toString();
    const twice = await call("POST", "/api/auth/device/token", { headers: form, body: `${body}&client_id=x` });
    expect(twice.body.code).toBe("REQUEST_MALFORMED");
    const done = await call("POST", "/api/auth/device/token", { headers: form, body });
    expect(done.body.api_key).toMatch(/^ak_/);
    // What a cookie or key speaks for takes JSON alone.
    const decided = await call("POST", "/api/auth/device/decide", { headers: form, body: "user_code=x&approve=true" });
    expect(decided.status).toBe(401);
    const login = await call("POST", "/api/auth/login", { headers: form, body: "email=ada@example.com&password=x" });
    expect(login.status).toBe(415);
  });
});
