import { afterEach, describe, expect, it } from "vitest";
import { createInstallationTextSender } from "../../kernel/messages/installation-sender.ts";
import { createSmtpSender } from "../../kernel/messages/smtp-sender.ts";
import { startSmtpServer, textOfMail } from "../../kernel/messages/smtp-testing.ts";
import { createOutgoing, type OutgoingFetch } from "../../kernel/outgoing.ts";
import { openControlSqlite } from "../../testing-database.ts";
import { createEndUserTest, type EndUserTestOptions } from "../testing.ts";
import { isAllowedRedirect } from "./redirect-urls.ts";
import { renderMessage } from "./templates.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(options: EndUserTestOptions = {}) {
  const test = await createEndUserTest(await openControlSqlite(cleanups), options);
  return { ...test, shop: await test.createProject() };
}

async function smtp(options: Parameters<typeof startSmtpServer>[0] = {}) {
  const server = await startSmtpServer(options);
  cleanups.push(() => server.close());
  return server;
}

describe("messages to end users", () => {
  it("leave by the project's own SMTP server, with its user name, password and sender", async () => {
    const server = await smtp({ user: "shop", password: "smtp secret" });
    const { shop, endUsers } = await open();
    const set = await shop.set({
      appName: "Ada's Shop",
      mail: {
        sender: "smtp",
        from: "Shop <no-reply@shop.example>",
        smtp: { host: "127.0.0.1", port: server.port, security: "none", user: "shop", password: "smtp secret" },
      },
    });
    expect(set.body).toMatchObject({ secrets: ["mail.smtp.password"] });
    expect(JSON.stringify(set.body)).not.toContain("smtp secret");
    await shop.auth("POST", "/otp/send", { body: { email: "ada@example.com" } });
    await endUsers.idle();
    const [mail] = server.received;
    expect(mail).toMatchObject({ from: "no-reply@shop.example", to: ["ada@example.com"], user: "shop" });
    const code = /\b\d{6}\b/.exec(mail === undefined ? "" : textOfMail(mail))?.[0] ?? "";
    const answer = await shop.auth("POST", "/otp/verify", { body: { email: "ada@example.com", code } });
    expect(answer.status).toBe(200);
    expect(await shop.outbox()).toMatchObject([{ status: "sent", sender: "127.0.0.1", message: null }]);
  });

  it("leave by the installation's sender where the project has none, unless it wants the outbox", async () => {
    const server = await smtp();
    const outgoing = createOutgoing();
    const settings = {
      host: "127.0.0.1",
      port: server.port,
      security: "none",
      from: "a@installation.example",
    } as const;
    const { shop, endUsers } = await open({ mailSender: createSmtpSender(settings, outgoing) });
    await shop.register("ada@example.com");
    await endUsers.idle();
    expect(server.received.map(({ from, to }) => [from, ...to])).toEqual([
      ["a@installation.example", "ada@example.com"],
    ]);
    await shop.set({ mail: { sender: "outbox" } });
    await shop.register("bob@example.com");
    expect((await shop.outbox()).map(({ status }) => status)).toEqual(["held", "sent"]);
    expect(server.received).toHaveLength(1);
  });

  it("leave as text messages by the installation's Twilio, or the project's own where it has one, or by nobody", async () => {
    const requests: { account: string | undefined; to: string | null; from: string | null; text: string | null }[] = [];
    const twilio: OutgoingFetch = async (url, init = {}) => {
      const form = new URLSearchParams(String(init.body));
      const account = /Accounts\/(\w+)/.exec(url)?.[1];
      requests.push({ account, to: form.get("To"), from: form.get("From"), text: form.get("Body") });
      return Response.json({ sid: "SM1" }, { status: 201 });
    };
    const installation = { twilioAccountSid: `AC${"1".repeat(32)}`, twilioFrom: "+14155550100" };
    expect(createInstallationTextSender({ ...installation, twilioAuthToken: undefined })).toBeNull();
    const textSender = createInstallationTextSender({ ...installation, twilioAuthToken: "operator secret" }, twilio);
    const { shop, endUsers, logLines } = await open({ textSender, outgoing: { ...createOutgoing(), fetch: twilio } });
    const phone = "+14155550123";
    const send = async (number: string) => {
      expect((await shop.auth("POST", "/otp/send", { body: { phone: number } })).status).toBe(200);
      await endUsers.idle();
    };

    await send(phone);
    expect(requests).toEqual([
      { account: `AC${"1".repeat(32)}`, to: phone, from: "+14155550100", text: expect.stringMatching(/\d{6}/) },
    ]);
    const code = /\d{6}/.exec(requests[0]?.text ?? "")?.[0];
    expect((await shop.auth("POST", "/otp/verify", { body: { phone, code } })).status).toBe(200);
    expect(await shop.outbox()).toMatchObject([{ channel: "sms", status: "sent", sender: "Twilio", message: null }]);

    const own = { accountSid: `AC${"2".repeat(32)}`, authToken: "shop secret", from: "+14155550199" };
    expect((await shop.set({ sms: { sender: "twilio", twilio: own } })).status).toBe(200);
    await send("+14155550124");
    expect(requests[1]).toMatchObject({ account: own.accountSid, from: own.from });

    await shop.set({ sms: { sender: "outbox" } });
    await send("+14155550125");
    expect(requests).toHaveLength(2);
    expect((await shop.outbox())[0]).toMatchObject({ status: "held", message: { to: "+14155550125" } });
    expect(logLines.join()).not.toMatch(/operator secret|shop secret/);
  });

  it("are read one by one by the project's own people", async () => {
    const { shop, createProject } = await open();
    await shop.auth("POST", "/otp/send", { body: { email: "ada@example.com" } });
    const path = `/api/v1/projects/${shop.id}/auth/outbox`;
    const [{ id }] = (await shop.developer.call("GET", path)).body.messages;
    expect((await shop.developer.call("GET", `${path}/${id}`)).body.message).toMatchObject({
      id,
      status: "held",
      message: { to: "ada@example.com", text: expect.stringMatching(/\d{6}/) },
    });
    const other = await createProject("Other");
    const missing = await other.developer.call("GET", `/api/v1/projects/${other.id}/auth/outbox/msg_missing`);
    const foreign = await other.developer.call("GET", `/api/v1/projects/${other.id}/auth/outbox/${id}`);
    expect(foreign.status).toBe(404);
    expect(foreign.body.error.message).toBe(missing.body.error.message);
  });

  it("stay in the outbox without a sender, which the project's log says, and whose texts only its own people read", async () => {
    const { shop, projectLog, createProject } = await open();
    await shop.auth("POST", "/otp/send", { body: { email: "ada@example.com" } });
    expect(await shop.outbox()).toMatchObject([{ status: "held", message: { to: "ada@example.com" } }]);
    expect(projectLog).toEqual([expect.stringContaining("no sender is configured")]);
    expect(projectLog.join()).not.toMatch(/\d{6}|ada@/);
    const { developer } = await createProject("Other");
    expect((await developer.call("GET", `/api/v1/projects/${shop.id}/auth/outbox`)).status).toBe(404);
  });

  it("refuse half a sender, and forget its password with it", async () => {
    const { shop } = await open();
    const missing = await shop.set({ mail: { sender: "smtp" } });
    expect(missing.body.error.details.fieldErrors).toEqual({
      "mail.from": [expect.any(String)],
      "mail.smtp": [expect.any(String)],
    });
    expect((await shop.set({ mail: { sender: "resend", from: "a@shop.example" } })).status).toBe(400);
    const whole = { sender: "resend", from: "a@shop.example", resend: { apiKey: "re_1" } };
    expect((await shop.set({ mail: whole })).body.secrets).toEqual(["mail.resend.apiKey"]);
    expect((await shop.set({ mail: null })).body).toMatchObject({ secrets: [], settings: { mail: { from: null } } });
    expect((await shop.set({ mail: { from: "a@b.example\r\nBcc: eve@example.com" } })).status).toBe(400);
  });
});

describe("a message's text", () => {
  const facts = { appName: '<b>Tom & "Jerry"</b>', link: "https://a.example/?a=1&b=2", minutes: 60 };

  it("names application and link, and shows HTML nothing that is not escaped", () => {
    const { subject, text, html } = renderMessage("reset-password", facts, {});
    expect(subject).toContain(facts.appName);
    expect(text).toContain(`\n\n${facts.link}\n\n`);
    expect(html).not.toContain("<b>");
    expect(html).toContain('href="https://a.example/?a=1&amp;b=2"');
    expect(html).not.toMatch(/<img|<script|src=|@import|url\(/i);
  });

  it("is the project's own where it has one, its HTML made from the text where it has none", () => {
    const own = { subject: "Hi from\n{{appName}}", text: "Code: {{code}}\n\n{{unknown}} <i>", html: null };
    const rendered = renderMessage("otp-email", { appName: "A", code: "123456" }, { "otp-email": own });
    expect(rendered.subject).toBe("Hi from A");
    expect(rendered.text).toBe("Code: 123456\n\n{{unknown}} <i>");
    expect(rendered.html).toContain("&lt;i&gt;");
  });
});

describe("where users may be sent", () => {
  const urls = {
    site: "https://app.example.com/shop",
    redirects: ["https://other.example/callback", "https://wild.example/a/*", "shop://callback"],
  };
  it.each([
    "https://app.example.com/shop",
    "https://app.example.com/shop/deep?x=1#y",
    "https://other.example/callback?next=/",
    "https://wild.example/a/b/c",
    "shop://callback?x=1",
  ])("is %s", (text) => expect(isAllowedRedirect(urls, text)).toBe(true));
  it.each([
    "https://app.example.com/shopping",
    "https://app.example.com/",
    "http://app.example.com/shop",
    "https://app.example.com:8443/shop",
    "https://app.example.com@evil.example/shop",
    "https://user:pass@app.example.com/shop",
    "https://app.example.com.evil.example/shop",
    "https://app.example.com/shop/../admin",
    "https://other.example/callback/more",
    "https://wild.example/b",
    "https://wild.example/a/../b",
    "shop://other",
    "javascript:alert(1)",
    "//app.example.com/shop",
    "/shop",
    "",
  ])("is not %s", (text) => expect(isAllowedRedirect(urls, text)).toBe(false));
});
