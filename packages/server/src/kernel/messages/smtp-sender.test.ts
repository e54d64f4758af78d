import { afterEach, describe, expect, it } from "vitest";
import { createOutgoing } from "../outgoing.ts";
import { createSmtpSender, type SmtpSettings } from "./smtp-sender.ts";
import { type SmtpTestOptions, startSmtpServer, textOfMail } from "./smtp-testing.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const MESSAGE = {
  channel: "mail",
  to: "ada@example.com",
  subject: "Your code is 123456 – grüße",
  text: "Your code is 123456.",
  html: "<p>Your code is <b>123456</b>.</p>",
} as const;

async function open(options: SmtpTestOptions = {}, settings: Partial<SmtpSettings> = {}) {
  const server = await startSmtpServer(options);
  const outgoing = createOutgoing();
  cleanups.push(() => server.close(), outgoing.close);
  const sender = createSmtpSender(
    { host: "127.0.0.1", port: server.port, security: "none", from: "Shop <no-reply@shop.example>", ...settings },
    outgoing,
  );
  return { server, sender };
}

describe("sending over SMTP", () => {
  it("hands a message with both parts, its own id and the sender's address to the server", async () => {
    const { server, sender } = await open();
    await sender.send(MESSAGE, "msg_1");
    const [mail] = server.received;
    expect(mail).toMatchObject({ from: "no-reply@shop.example", to: ["ada@example.com"] });
    expect(mail?.source).toMatch(/^Message-ID: <msg_1@shop\.example>/im);
    expect(mail?.source).toMatch(/^Auto-Submitted: auto-generated/im);
    expect(mail && textOfMail(mail)).toContain("Your code is 123456.");
    expect(mail?.source).toContain("text/html");
  });

  it("logs in, and tells a wrong password from a bad moment", async () => {
    const credentials = { user: "shop", password: "secret" };
    const right = await open(credentials, credentials);
    await right.sender.send(MESSAGE, "msg_1");
    expect(right.server.received[0]?.user).toBe("shop");
    const wrong = await open(credentials, { user: "shop", password: "other" });
    await expect(wrong.sender.send(MESSAGE, "msg_1")).rejects.toMatchObject({ isTemporary: false });
    const error = await wrong.sender.send(MESSAGE, "msg_1").catch((reason: unknown) => reason);
    expect(String(error)).not.toContain("other");
  });

  it.each([
    [451, true],
    [554, false],
  ])("takes the answer %i for temporary: %s", async (code, isTemporary) => {
    const { sender } = await open({ refuse: () => code });
    await expect(sender.send(MESSAGE, "msg_1")).rejects.toMatchObject({ isTemporary });
  });

  it("sends nothing in clear text where STARTTLS is asked for and not offered", async () => {
    const { server, sender } = await open({ startTls: false }, { security: "starttls" });
    await expect(sender.send(MESSAGE, "msg_1")).rejects.toMatchObject({ name: "DeliveryError" });
    expect(server.received).toEqual([]);
  });

  it("sends nothing to a server whose certificate is not to be trusted", async () => {
    const { server, sender } = await open({ startTls: true }, { security: "starttls" });
    await expect(sender.send(MESSAGE, "msg_1")).rejects.toMatchObject({ name: "DeliveryError" });
    expect(server.received).toEqual([]);
  });

  it("says that it could not connect, and tries again later", async () => {
    const { server, sender } = await open();
    await server.close();
    cleanups.splice(0, 1);
    await expect(sender.send(MESSAGE, "msg_1")).rejects.toMatchObject({ isTemporary: true });
  });

  it("keeps what is typed in an address or subject out of the headers", async () => {
    const { server, sender } = await open();
    await sender.send({ ...MESSAGE, subject: "Hi\r\nBcc: eve@example.com" }, "msg_1");
    expect(server.received[0]?.source).not.toMatch(/^Bcc:/im);
    expect(server.received[0]?.to).toEqual(["ada@example.com"]);
    await sender
      .send({ ...MESSAGE, to: "ada@example.com>\r\nRCPT TO:<eve@example.com" }, "msg_2")
      .catch(() => undefined);
    expect(server.received.flatMap(({ to }) => to)).not.toContain("eve@example.com");
  });
});
