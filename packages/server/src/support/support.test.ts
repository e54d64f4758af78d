import { expect, it } from "vitest";
import { createSmtpSender } from "../kernel/messages/smtp-sender.ts";
import { startSmtpServer, textOfMail } from "../kernel/messages/smtp-testing.ts";
import { createOutgoing } from "../kernel/outgoing.ts";
import { createSigningSecret, signatureHeaders } from "../kernel/standard-webhooks.ts";
import { createTestApp, TEST_PASSWORD, type TestAppOptions } from "../testing.ts";
import { describeEachControlDatabase } from "../testing-database.ts";

const MINUTE_MS = 60_000;
const MESSAGE = {
  topic: "privacy",
  email: "bea@example.com",
  subject: "A copy of my data",
  text: "Please send it.\n\nBea",
};

describeEachControlDatabase("conversations with support", (openDatabase) => {
  async function open(options: TestAppOptions = {}, { takesMail = true } = {}) {
    const secret = createSigningSecret();
    const test = await createTestApp(await openDatabase(), {
      ...options,
      ...(takesMail ? { supportInboundSecret: secret } : {}),
    });
    const { call, controlPlane, clock, readMail } = test;
    const token = await controlPlane.accounts.issueSetupToken();
    const admin = { email: "operator@example.com", password: TEST_PASSWORD, ageConfirmed: true, token };
    const { body } = await call("POST", "/api/auth/setup", { body: admin });
    const operator = { authorization: `Bearer ${body.token}` };
    const begin = (message: Record<string, unknown> = MESSAGE) =>
      call("POST", "/api/v1/support/conversations", { body: message });
    const inbox = async (query = "") =>
      (await call("GET", `/api/v1/admin/support${query}`, { headers: operator })).body.conversations;
    const threadToken = async (to: string) => {
      const mail = (await readMail(to)).findLast(({ kind }) => kind.startsWith("support-"));
      return /#token=(\S+)/.exec(mail?.text ?? "")?.[1] ?? "";
    };
    const read = (threadLink: string) => call("POST", "/api/v1/support/thread", { body: { token: threadLink } });
    const answer = (id: string, text: string) =>
      call("POST", `/api/v1/admin/support/${id}/messages`, { headers: operator, body: { text } });
    const deliver = (raw: string, { contentType = "message/rfc822", by = secret, agoMs = 0 } = {}) => {
      const delivery = { id: "dlv_1", timeMs: clock.now() - agoMs, body: Buffer.from(raw) };
      return call("POST", "/api/v1/support/inbound", {
        body: raw,
        headers: { ...signatureHeaders(delivery, [by]), "content-type": contentType },
      });
    };
    return { ...test, operator, begin, inbox, threadToken, read, answer, deliver };
  }

  const mail = (lines: readonly string[], text = "Hello, I have a question.") => [...lines, "", text].join("\r\n");
  const FROM_BEA = ["From: Bea <bea@example.com>", "To: support@aerostack.test", "Subject: A question"];

  it("P9 P45 go from the form to the operator and back, and both see the whole of it", async () => {
    const { begin, inbox, threadToken, read, answer, call, clock } = await open();
    expect(await begin()).toMatchObject({ status: 202, body: { received: true } });
    const [waiting] = await inbox();
    expect(waiting).toMatchObject({ topic: "privacy", email: "bea@example.com", status: "open", accountId: null });

    clock.advance(MINUTE_MS);
    const answered = await answer(waiting.id, "Here it is.\n\nWrite again if anything is missing.");
    expect(answered.body.conversation.status).toBe("answered");
    const token = await threadToken("bea@example.com");
    const seen = await read(token);
    expect(seen.body).toMatchObject({
      conversation: { subject: MESSAGE.subject, status: "answered" },
      messages: [
        { author: "person", text: MESSAGE.text },
        { author: "operator", text: "Here it is.\n\nWrite again if anything is missing." },
      ],
    });
    expect(seen.body.conversation).not.toHaveProperty("email");

    clock.advance(MINUTE_MS);
    const more = await call("POST", "/api/v1/support/thread/messages", { body: { token, text: "Thank you." } });
    expect(more.body.messages).toHaveLength(3);
    expect(await inbox("?status=open")).toMatchObject([{ id: waiting.id }]);
  });

  it("mail the answer, and a confirmation that holds nothing of what a stranger typed", async () => {
    const server = await startSmtpServer();
    const settings = {
      host: "127.0.0.1",
      port: server.port,
      security: "none",
      from: "Us <us@aerostack.test>",
    } as const;
    try {
      const test = await open({ mailSender: createSmtpSender(settings, createOutgoing()) });
      await test.begin({ ...MESSAGE, subject: "BUY NOW", text: "https://evil.example" });
      const [{ id }] = await test.inbox();
      await test.answer(id, "We do not buy.\n\nGood-bye");
      await test.readMail();
      const received = server.received.filter(({ to }) => to.includes("bea@example.com"));
      const [confirmation = fail("no mail"), reply = fail("no answer")] = received;
      expect(confirmation.source).not.toMatch(/BUY|evil\.example/);
      expect(textOfMail(reply)).toContain("We do not buy.");
      const unfolded = reply.source.replace(/\r\n[ \t]+/g, " ");
      expect(unfolded).toMatch(/^Reply-To: <?support\+[0-9a-z]+\.[0-9a-v]{24}@aerostack\.test>?\r$/m);
    } finally {
      await server.close();
    }
  });

  it("are opened by nothing but the link that was mailed", async () => {
    const { begin, inbox, threadToken, read, call, createDeveloper } = await open();
    await begin();
    const [{ id }] = await inbox();
    const token = await threadToken("bea@example.com");
    const missing = await read("sup_none");
    const refused = [
      id,
      `sup_${id.slice(4)}`,
      `${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}`,
      token.toUpperCase(),
    ];
    for (const wrong of refused) {
      const answer = await read(wrong);
      for (const { body } of [answer, missing]) delete body.error.requestId;
      expect([answer.status, answer.body]).toEqual([404, missing.body]);
    }
    const eve = await createDeveloper("eve@example.com");
    expect((await eve.call("GET", `/api/v1/account/support/${id}`)).status).toBe(404);
    expect((await eve.call("POST", `/api/v1/account/support/${id}/messages`, { text: "hi" })).status).toBe(404);
    for (const path of ["/api/v1/admin/support", `/api/v1/admin/support/${id}`]) {
      expect((await eve.call("GET", path)).status).toBe(403);
      expect((await call("GET", path)).status).toBe(401);
    }
    expect((await read(token)).body.messages).toHaveLength(1);
  });

  it("are listed to the account that began them, and to no other", async () => {
    const { createDeveloper, inbox } = await open();
    const ada = await createDeveloper("ada@example.com");
    const eve = await createDeveloper("eve@example.com");
    const made = await ada.call("POST", "/api/v1/account/support", { subject: "Help", text: "It does not work." });
    expect(made).toMatchObject({ status: 201, body: { conversation: { topic: "support", status: "open" } } });
    expect((await ada.call("GET", "/api/v1/account/support")).body.conversations).toMatchObject([{ subject: "Help" }]);
    expect((await eve.call("GET", "/api/v1/account/support")).body.conversations).toEqual([]);
    expect(await inbox()).toMatchObject([{ email: "ada@example.com", accountId: ada.user.id }]);
  });

  it("begin and go on by mail; a mail that is delivered twice is taken once", async () => {
    const { deliver, inbox, answer, read, threadToken, readMail, clock } = await open();
    const first = mail([...FROM_BEA, "Message-ID: <one@example.com>"]);
    expect(await deliver(first)).toMatchObject({ status: 202, body: { received: true } });
    expect(await deliver(first)).toMatchObject({ status: 202, body: { received: true } });
    const conversations = await inbox();
    expect(conversations).toMatchObject([{ subject: "A question", email: "bea@example.com", name: "Bea" }]);

    clock.advance(MINUTE_MS);
    await answer(conversations[0].id, "What is it?");
    const sent = (await readMail("bea@example.com")).findLast(({ kind }) => kind === "support-answer");
    expect(sent).toMatchObject({ inReplyTo: "<one@example.com>", subject: "Re: A question" });
    const reply = [
      `From: bea@example.com`,
      `To: ${sent?.replyTo?.toUpperCase()}`,
      "Subject: Re: A question",
      "Message-ID: <two@example.com>",
    ];
    clock.advance(MINUTE_MS);
    await deliver(mail(reply, "This one."));
    await deliver(mail(reply, "This one."));
    const seen = await read(await threadToken("bea@example.com"));
    expect(seen.body.messages).toMatchObject([
      { author: "person", from: "bea@example.com", text: "Hello, I have a question." },
      { author: "operator", text: "What is it?" },
      { author: "person", text: "This one." },
    ]);
    expect(await inbox()).toHaveLength(1);
  });

  it("take mail as JSON too, and what comes as HTML alone as text", async () => {
    const { deliver, inbox, operator, call } = await open();
    const html = "<style>p{color:red}</style><p>Hello &amp; good day</p><script>alert(1)</script><p>Bea</p>";
    const json = { from: '"Bea, B." <bea@example.com>', to: ["support@aerostack.test"], subject: "Hi", html };
    expect((await deliver(JSON.stringify(json), { contentType: "application/json" })).status).toBe(202);
    const [{ id, name }] = await inbox();
    const { body } = await call("GET", `/api/v1/admin/support/${id}`, { headers: operator });
    expect(name).toBe("Bea, B.");
    expect(body.messages[0].text).toBe("Hello & good day\nBea");
  });

  it("take no mail that is not signed, is old, or is answered to by nobody", async () => {
    const { deliver, inbox, call, readMail } = await open();
    const good = mail(FROM_BEA);
    expect((await deliver(good, { by: createSigningSecret() })).status).toBe(403);
    expect((await deliver(good, { agoMs: 6 * MINUTE_MS })).status).toBe(403);
    expect((await call("POST", "/api/v1/support/inbound", { body: good })).status).toBe(403);
    for (const line of [
      "Auto-Submitted: auto-replied",
      "Precedence: bulk",
      "List-Id: <news.example>",
      "Return-Path: <>",
    ]) {
      expect(await deliver(mail([...FROM_BEA, line]))).toMatchObject({ status: 202, body: { received: false } });
    }
    expect((await deliver(mail(["From: MAILER-DAEMON@example.com", "Subject: x"]))).body.received).toBe(false);
    expect((await deliver(mail(["Subject: no sender"]))).status).toBe(400);
    expect((await deliver("{}", { contentType: "text/html" })).status).toBe(415);
    expect(await inbox()).toEqual([]);
    expect(await readMail("bea@example.com")).toEqual([]);
  });

  it("do not exist for mail where no secret is set", async () => {
    const { deliver } = await open({}, { takesMail: false });
    expect((await deliver(mail(FROM_BEA))).status).toBe(404);
  });

  it("cannot be written into with an address that was made up", async () => {
    const { deliver, inbox, begin, clock } = await open();
    await begin();
    const [{ id }] = await inbox();
    clock.advance(MINUTE_MS);
    const forged = `support+${id.slice(4)}.${"0".repeat(24)}@aerostack.test`;
    await deliver(mail(["From: eve@example.com", `To: ${forged}`, "Subject: Re: x"]));
    // It becomes a conversation of its own.
    expect(await inbox()).toMatchObject([{ email: "eve@example.com" }, { id, status: "open" }]);
  });

  it("end: a sender who writes without end is not heard any more, nor a form that is sent again and again", async () => {
    const { deliver, inbox, begin, clock } = await open();
    for (let count = 0; count < 25; count++) await deliver(mail(FROM_BEA));
    expect(await inbox("?limit=100")).toHaveLength(20);
    const statuses: number[] = [];
    for (let count = 0; count < 4; count++)
      statuses.push((await begin({ ...MESSAGE, email: "cy@example.com" })).status);
    expect(statuses).toEqual([202, 202, 202, 429]);
    clock.advance(11 * MINUTE_MS);
    expect((await begin({ ...MESSAGE, email: "cy@example.com" })).status).toBe(429);
  });

  it("refuse what is no message, with the field that is wrong, and keep nothing of it", async () => {
    const { begin, inbox } = await open();
    const wrong = {
      email: "not an address",
      subject: "two\r\nBcc: victim@example.com",
      text: "\u0000",
      topic: "marketing",
      name: "\u202egpj",
    };
    for (const [field, value] of Object.entries(wrong)) {
      const answer = await begin({ ...MESSAGE, [field]: value });
      expect(answer.status).toBe(400);
      expect(answer.body.error.details.fieldErrors).toHaveProperty(field);
    }
    expect((await begin({ ...MESSAGE, text: "x".repeat(10_001) })).status).toBe(400);
    expect(await inbox()).toEqual([]);
  });

  it("tell every operator once while nobody has answered, and what operators do is in the audit log", async () => {
    const { begin, inbox, answer, threadToken, call, operator, readMail, controlPlane } = await open();
    await begin();
    await readMail();
    const [{ id }] = await inbox();
    const write = async (text: string) =>
      call("POST", "/api/v1/support/thread/messages", { body: { token: await threadToken("bea@example.com"), text } });
    await write("Hello?");
    const notices = async () => {
      await readMail();
      const { body } = await call("GET", "/api/v1/account/notices", { headers: operator });
      return body.notices.filter(({ template }: { template: string }) => template === "support-message").length;
    };
    expect(await notices()).toBe(1);
    await answer(id, "Yes?");
    await write("Good.");
    expect(await notices()).toBe(2);
    const closed = await call("PATCH", `/api/v1/admin/support/${id}`, {
      headers: operator,
      body: { status: "closed" },
    });
    expect(closed.body.conversation.status).toBe("closed");
    const { items } = await controlPlane.audit.list({}, { limit: 10 });
    expect(items.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["support_conversation.answered", "support_conversation.closed"]),
    );
  });
});

function fail(message: string): never {
  throw new Error(message);
}
