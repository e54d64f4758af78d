import sharp from "sharp";
import { expect, it } from "vitest";
import { TEST_PASSWORD } from "../../testing.ts";
import { describeEachControlDatabase } from "../../testing-database.ts";
import type { EndUserTables } from "../tables.ts";
import { createEndUserTest, ORIGIN, tokenIn } from "../testing.ts";

const OTHER_PASSWORD = "Another-Word-9";

describeEachControlDatabase("a user's profile", (openDatabase) => {
  async function open() {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql);
    const shop = await test.createProject();
    const { body: ada } = await shop.register("ada@example.com", { name: "Ada", customFields: { plan: "pro" } });
    const patch = (body: unknown, token = ada.token) => shop.auth("PATCH", "/me", { token, body });
    const upload = async (bytes: Uint8Array, token = ada.token, field = "file") => {
      const form = new FormData();
      form.set(field, new Blob([new Uint8Array(bytes)]), "me.jpg");
      const encoded = new Response(form);
      const answer = await test.app.request(`/api/v1/public/projects/${shop.slug}/auth/me/avatar`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": encoded.headers.get("content-type") ?? "" },
        body: await encoded.arrayBuffer(),
      });
      return { status: answer.status, body: JSON.parse(await answer.text()) };
    };
    return { ...test, sql: sql.withTables<EndUserTables>(), shop, ada, patch, upload };
  }

  const picture = (width = 900, height = 600) =>
    sharp({ create: { width, height, channels: 3, background: "#3451d1" } })
      .jpeg()
      .withExif({ IFD0: { Copyright: "secret place" } })
      .toBuffer();

  it("changes what is sent, merges custom fields and removes by null", async () => {
    const { patch } = await open();
    const changed = await patch({ name: "Ada L.", customFields: { plan: null, size: 3 } });
    expect(changed).toMatchObject({ status: 200, body: { name: "Ada L.", profile_extras: { size: 3 } } });
    expect(changed.body.user.customFields).toEqual({ size: 3 });
    expect((await patch({})).body).toMatchObject({ name: "Ada L.", customFields: { size: 3 } });
    expect((await patch({ name: null })).body.name).toBeNull();
    expect((await patch({ customFields: { a: "x".repeat(9_000) } })).status).toBe(400);
    expect((await patch({ avatar_url: "https://cdn.example.com/a.png" })).body.avatar_url).toBe(
      "https://cdn.example.com/a.png",
    );
    for (const avatar_url of ["javascript:alert(1)", "//evil.example/a.png", "x"]) {
      expect((await patch({ avatar_url })).status).toBe(400);
    }
  });

  it("does not grow beyond 8 KiB of custom fields by small steps", async () => {
    const { patch } = await open();
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await patch({ customFields: { [`f${i}`]: "x".repeat(3_500) } })).status);
    expect(statuses).toEqual([200, 200, 400]);
  });

  it("holds custom fields to what the project declares, and keeps users from fields that are the project's", async () => {
    const { shop, patch } = await open();
    await shop.set({
      customFields: [
        { name: "city", type: "string", required: true, maxLength: 10 },
        { name: "size", type: "string", values: ["S", "M"] },
        { name: "age", type: "number" },
        { name: "born", type: "date" },
        { name: "role", type: "string", editable: false },
      ],
    });
    const missing = await shop.register("bob@example.com", { customFields: { age: 3 } });
    expect(missing.body.details.fieldErrors).toEqual({ "customFields.city": ["is needed"] });
    const wrong = await patch({
      customFields: { city: "x".repeat(11), size: "XL", age: "3", born: "yesterday", role: "admin", other: 1 },
    });
    expect(Object.keys(wrong.body.details.fieldErrors).sort()).toEqual([
      "customFields.age",
      "customFields.born",
      "customFields.city",
      "customFields.other",
      "customFields.role",
      "customFields.size",
    ]);
    expect(wrong.body.field).toBe("customFields.city");
    const fields = { city: "Kyiv", size: "M", age: 3, born: "2000-02-29" };
    expect((await patch({ customFields: fields })).body.customFields).toEqual({ ...fields, plan: "pro" });
    expect((await patch({ customFields: { city: null } })).status).toBe(400);
    expect((await shop.register("bob@example.com", { customFields: { role: "admin", city: "Kyiv" } })).status).toBe(
      400,
    );
    expect((await shop.set({ customFields: [{ name: "__proto__", type: "string" }] })).status).toBe(400);
  });

  it("stores a picture anew, without what else its file holds, and serves it to everybody", async () => {
    const { shop, ada, app, upload, pictures } = await open();
    const { status, body } = await upload(await picture());
    expect(status).toBe(200);
    expect(body).toMatchObject({ avatar_image_id: expect.stringMatching(/^img_/), avatar_url: body.user.avatar_url });
    const address = `${ORIGIN}/api/v1/public/projects/${shop.id}/auth/avatars/${ada.user.id}/${body.avatar_image_id}`;
    expect(body.avatar_url).toBe(address);
    const answer = await app.request(address.slice(ORIGIN.length));
    expect(answer.headers.get("content-type")).toBe("image/webp");
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(await sharp(bytes).metadata()).toMatchObject({ format: "webp", width: 512, height: 512 });
    expect(bytes.includes("secret place")).toBe(false);
    expect(pictures.size).toBe(1);
  });

  it("keeps one picture, takes an uploaded one by its id, and removes it", async () => {
    const { shop, ada, patch, upload, pictures } = await open();
    const first = await upload(await picture());
    const second = await upload(await picture(100, 100));
    expect(pictures.size).toBe(1);
    expect((await patch({ avatar_image_id: first.body.avatar_image_id })).status).toBe(400);
    const again = await patch({ avatar_image_id: second.body.avatar_image_id });
    expect(again).toMatchObject({ status: 200, body: { avatar_url: second.body.avatar_url } });
    const { body: bob } = await shop.register("bob@example.com");
    expect((await patch({ avatar_image_id: second.body.avatar_image_id }, bob.token)).status).toBe(400);
    const removed = await shop.auth("DELETE", "/me/avatar", { token: ada.token });
    expect(removed).toMatchObject({ status: 200, body: { message: expect.any(String) } });
    expect((await shop.auth("GET", "/me", { token: ada.token })).body.avatar_url).toBeNull();
    expect(pictures.size).toBe(0);
  });

  it("refuses what is no picture, too large, or no form", async () => {
    const { shop, ada, upload } = await open();
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    for (const bytes of [
      Buffer.from("<html>"),
      Buffer.alloc(0),
      (await picture()).subarray(0, 200),
      svg.subarray(0, 30),
    ]) {
      expect(await upload(bytes)).toMatchObject({ status: 415, body: { code: "UNSUPPORTED_MEDIA_TYPE" } });
    }
    expect((await upload(Buffer.alloc(6 * 1024 * 1024))).status).toBe(413);
    expect((await upload(await picture(), ada.token, "other")).body.field).toBe("file");
    expect((await shop.auth("POST", "/me/avatar", { token: ada.token, body: {} })).status).toBe(415);
    const bomb = await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: "#000" } })
      .png()
      .toBuffer();
    expect((await upload(bomb)).status).toBe(415);
  });

  it("changes the password of who knows it, and ends all other sessions", async () => {
    const { shop, ada } = await open();
    const { body: phone } = await shop.login("ada@example.com");
    const change = (body: unknown) => shop.auth("POST", "/me/password", { token: ada.token, body });
    expect((await change({ newPassword: OTHER_PASSWORD })).status).toBe(401);
    expect((await change({ currentPassword: "Wrong-Word-1", newPassword: OTHER_PASSWORD })).status).toBe(401);
    expect((await change({ currentPassword: TEST_PASSWORD, newPassword: "weak" })).body.field).toBe("newPassword");
    expect((await change({ currentPassword: TEST_PASSWORD, newPassword: OTHER_PASSWORD })).status).toBe(200);
    expect((await shop.auth("GET", "/me", { token: ada.token })).status).toBe(200);
    expect((await shop.auth("GET", "/me", { token: phone.token })).status).toBe(401);
    expect((await shop.login("ada@example.com", OTHER_PASSWORD)).status).toBe(200);
    expect((await change({ currentPassword: "Wrong-Word-1", newPassword: OTHER_PASSWORD })).status).toBe(401);
    expect((await change({ currentPassword: OTHER_PASSWORD, newPassword: TEST_PASSWORD })).status).toBe(429);
  });

  it("changes the address when the link at the new one is opened, and tells nobody whose it was", async () => {
    const { shop, ada } = await open();
    await shop.register("bob@example.com");
    const change = (email: string) => shop.auth("POST", "/me/email", { token: ada.token, body: { email } });
    const taken = await change("bob@example.com");
    const free = await change("new@example.com");
    expect(taken.body).toEqual(free.body);
    const [mail, told] = await shop.outbox();
    expect(told).toMatchObject({ kind: "account-exists", message: { to: "bob@example.com" } });
    expect(mail).toMatchObject({ kind: "verify-email", message: { to: "new@example.com" } });
    expect((await shop.auth("GET", "/me", { token: ada.token })).body.email).toBe("ada@example.com");
    expect((await shop.auth("GET", `/verify-email?token=${tokenIn(mail)}`)).status).toBe(200);
    const me = await shop.auth("GET", "/me", { token: ada.token });
    expect(me.body).toMatchObject({ email: "new@example.com", emailVerified: true });
    expect((await shop.login("new@example.com")).status).toBe(200);
  });

  it("refuses a new address that became somebody else's meanwhile", async () => {
    const { shop, ada } = await open();
    await shop.auth("POST", "/me/email", { token: ada.token, body: { email: "new@example.com" } });
    const token = tokenIn((await shop.outbox())[0]);
    await shop.register("new@example.com");
    const late = await shop.auth("GET", `/verify-email?token=${token}`);
    expect(late).toMatchObject({ status: 409, body: { code: "AUTH_USER_EXISTS" } });
  });

  it("deletes the user who asks and knows their password, with everything of theirs", async () => {
    const { shop, ada, upload, pictures, sql } = await open();
    await upload(await picture());
    expect((await shop.auth("DELETE", "/me", { token: ada.token, body: {} })).status).toBe(401);
    const gone = await shop.auth("DELETE", "/me", { token: ada.token, body: { password: TEST_PASSWORD } });
    expect(gone.status).toBe(200);
    expect((await shop.auth("GET", "/me", { token: ada.token })).status).toBe(401);
    expect(pictures.size).toBe(0);
    for (const table of ["end_users", "end_user_sessions", "end_user_tokens"] as const) {
      expect(await sql.db.selectFrom(table).selectAll().execute(), table).toEqual([]);
    }
  });
});

describeEachControlDatabase("anonymous users", (openDatabase) => {
  async function open() {
    const sql = await openDatabase();
    const test = await createEndUserTest(sql);
    const shop = await test.createProject();
    await shop.set({ anonymous: { enabled: true } });
    const { body: guest } = await shop.auth("POST", "/anonymous", { body: { customFields: { cart: ["a"] } } });
    const upgrade = (body: unknown, token = guest.token) => shop.auth("POST", "/me/upgrade", { token, body });
    return { ...test, shop, guest, upgrade };
  }
  const CREDENTIALS = { email: "ada@example.com", password: TEST_PASSWORD };

  it("come where the project allows it, five a minute from one address", async () => {
    const { shop, guest } = await open();
    expect(guest.user).toMatchObject({ isAnonymous: true, email: `${guest.user.id}@users.invalid` });
    const come = () => shop.auth("POST", "/anonymous", { body: {}, ip: "192.0.2.1" });
    for (let i = 0; i < 5; i++) expect((await come()).status).toBe(201);
    expect((await come()).status).toBe(429);
    await shop.set({ anonymous: null });
    const closed = await shop.auth("POST", "/anonymous", { body: {} });
    expect(closed).toMatchObject({ status: 403, body: { code: "AUTH_METHOD_DISABLED" } });
  });

  it("keep their id and what is theirs when they give an address and a password", async () => {
    const { shop, guest, upgrade } = await open();
    const upgraded = await upgrade({ ...CREDENTIALS, name: "Ada" });
    expect(upgraded).toMatchObject({
      status: 200,
      body: { user: { id: guest.user.id, isAnonymous: false, name: "Ada", customFields: { cart: ["a"] } } },
    });
    expect((await shop.login(CREDENTIALS.email)).body.user.id).toBe(guest.user.id);
    expect((await upgrade(CREDENTIALS)).status).toBe(409);
    expect((await shop.outbox())[0]).toMatchObject({ kind: "verify-email", message: { to: CREDENTIALS.email } });
  });

  it("get no address that is somebody's, and no weak password", async () => {
    const { shop, upgrade } = await open();
    await shop.register(CREDENTIALS.email);
    expect(await upgrade(CREDENTIALS)).toMatchObject({ status: 409, body: { code: "AUTH_USER_EXISTS" } });
    const weak = await upgrade({ email: "b@example.com", password: "weak" });
    expect(weak).toMatchObject({ status: 400, body: { code: "AUTH_PASSWORD_WEAK" } });
  });

  it("get their address when they open the link, where the project asks for confirmed ones", async () => {
    const { shop, guest, upgrade } = await open();
    await shop.set({ requireEmailVerification: true });
    const asked = await upgrade(CREDENTIALS);
    expect(asked).toMatchObject({ status: 200, body: { requiresVerification: true } });
    expect((await shop.login(CREDENTIALS.email)).status).toBe(401);
    const verified = await shop.auth("GET", `/verify-email?token=${tokenIn((await shop.outbox())[0])}`);
    expect(verified.status).toBe(200);
    expect((await shop.login(CREDENTIALS.email)).body.user).toMatchObject({ id: guest.user.id, isAnonymous: false });
    expect((await shop.auth("GET", "/me", { token: guest.token })).status).toBe(200);
  });

  it("say who they are by a code, too; where the address has a user, they become that user", async () => {
    const { shop, guest } = await open();
    const verify = async (email: string, token: string) => {
      await shop.auth("POST", "/otp/send", { body: { email } });
      const code = /\b\d{6}\b/.exec((await shop.outbox())[0]?.message.text ?? "")?.[0];
      return await shop.auth("POST", "/otp/verify", { body: { email, code }, token });
    };
    const { body: own } = await verify(CREDENTIALS.email, guest.token);
    expect(own.user).toMatchObject({ id: guest.user.id, email: CREDENTIALS.email, isAnonymous: false });
    const { body: second } = await shop.auth("POST", "/anonymous", { body: {} });
    const { body: joined } = await verify(CREDENTIALS.email, second.token);
    expect(joined.user.id).toBe(guest.user.id);
  });
});
