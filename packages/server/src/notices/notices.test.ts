import { expect, it } from "vitest";
import { createSmtpSender } from "../kernel/messages/smtp-sender.ts";
import { startSmtpServer, textOfMail } from "../kernel/messages/smtp-testing.ts";
import { createOutgoing } from "../kernel/outgoing.ts";
import { createTestApp, TEST_PASSWORD } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";
import { NOTICE_SAMPLES } from "./notice-samples-testing.ts";

const DAY_MS = 24 * 60 * 60_000;

describeEachControlDatabase("notices to accounts", (openDatabase) => {
  async function open(options = {}) {
    const test = await createTestApp(await openDatabase(), options);
    const ada = await test.createDeveloper("ada@example.com");
    const { notices } = test.controlPlane;
    const tell = (template: "new-device" | "receipt" | "refresh-reuse", accountId = ada.user.id) =>
      notices.send({ accountId, template, data: NOTICE_SAMPLES[template] });
    const list = (query = "") => test.call("GET", `/api/v1/account/notices${query}`, { headers: ada.bearer });
    const read = (id: string, headers = ada.bearer) =>
      test.call("POST", `/api/v1/account/notices/${id}/read`, { headers });
    return { ...test, ada, tell, list, read };
  }

  it("are listed newest first, by pages, and are read once", async () => {
    const { clock, tell, list, read } = await open();
    for (const template of ["new-device", "receipt", "refresh-reuse"] as const) {
      await tell(template);
      clock.advance(1_000);
    }
    const first = await list("?limit=2");
    expect(first.body.notices).toMatchObject([
      { template: "refresh-reuse", severity: "critical", page: "/account/security", readAt: null },
      { template: "receipt", severity: "info", title: "Receipt 2026-0042" },
    ]);
    expect(first.body.unreadCount).toBe(3);
    const second = await list(`?limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body).toMatchObject({ notices: [{ template: "new-device" }], nextCursor: null });

    const [{ id }] = second.body.notices;
    const once = await read(id);
    expect(once.body.notice.readAt).toEqual(expect.any(String));
    clock.advance(60_000);
    expect((await read(id)).body.notice.readAt).toBe(once.body.notice.readAt);
    expect((await list("?unread=true")).body).toMatchObject({ notices: [{}, {}], unreadCount: 2 });
  });

  it("are marked as read all at once, those of this account only", async () => {
    const { call, ada, tell, list, createDeveloper } = await open();
    const eve = await createDeveloper("eve@example.com");
    await tell("new-device");
    await tell("receipt", eve.user.id);
    expect((await call("POST", "/api/v1/account/notices/read", { headers: ada.bearer })).status).toBe(200);
    expect((await list()).body).toMatchObject({ notices: [{}], unreadCount: 0 });
    const others = await call("GET", "/api/v1/account/notices", { headers: eve.bearer });
    expect(others.body).toMatchObject({ notices: [{ template: "receipt" }], unreadCount: 1 });
  });

  it("are nobody else's, who is answered as for one that does not exist", async () => {
    const { tell, list, read, createDeveloper } = await open();
    await tell("new-device");
    const [{ id }] = (await list()).body.notices;
    const eve = await createDeveloper("eve@example.com");
    const foreign = await read(id, eve.bearer);
    const missing = await read("ntc_none", eve.bearer);
    for (const answer of [foreign, missing]) delete answer.body.error.requestId;
    expect([foreign.status, foreign.body]).toEqual([404, missing.body]);
    expect((await list()).body.unreadCount).toBe(1);
  });

  it("P14 leave by the installation's mail server, as text and HTML", async () => {
    const server = await startSmtpServer();
    const from = "Aerostack <no-reply@installation.example>";
    const settings = { host: "127.0.0.1", port: server.port, security: "none", from } as const;
    try {
      const { tell, readMail } = await open({ mailSender: createSmtpSender(settings, createOutgoing()) });
      await tell("new-device");
      expect(await readMail("ada@example.com")).toEqual([]);
      const mail = server.received.find(({ source }) => source.includes("A log-in from a new device"));
      expect(mail?.to).toEqual(["ada@example.com"]);
      expect(mail?.source).toContain("multipart/alternative");
      expect(mail === undefined ? "" : textOfMail(mail)).toContain("Device: Firefox on Linux");
    } finally {
      await server.close();
    }
  });

  it("are kept for a year", async () => {
    const { clock, tell, list, controlPlane, ada, call } = await open();
    await tell("new-device");
    clock.advance(200 * DAY_MS);
    await tell("receipt");
    clock.advance(166 * DAY_MS);
    await controlPlane.notices.removeExpired();
    // The session of the first day is long over.
    const headers = { "x-api-key": ada.accountKey };
    const left = await call("GET", "/api/v1/account/notices", { headers });
    expect(left.body.notices).toMatchObject([{ template: "receipt" }]);
    expect((await list()).status).toBe(401);
  });

  it("show messages that nobody could send to admins and to nobody else", async () => {
    const { call, ada, tell, controlPlane } = await open();
    await tell("new-device");
    expect((await call("GET", "/api/v1/admin/outbox", { headers: ada.bearer })).status).toBe(403);
    expect((await call("GET", "/api/v1/admin/outbox")).status).toBe(401);
    const token = await controlPlane.accounts.issueSetupToken();
    const admin = { email: "admin@example.com", password: TEST_PASSWORD, ageConfirmed: true, token };
    const { body } = await call("POST", "/api/auth/setup", { body: admin });
    const shown = await call("GET", "/api/v1/admin/outbox", { headers: { authorization: `Bearer ${body.token}` } });
    expect(shown.body.messages).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: "new-device", message: expect.objectContaining({ to: "ada@example.com" }) }),
      ]),
    );
  });
});
