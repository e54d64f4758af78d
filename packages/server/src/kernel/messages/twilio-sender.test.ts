import { describe, expect, it } from "vitest";
import { createTwilioSender } from "./twilio-sender.ts";

const MESSAGE = { channel: "sms", to: "+14155550123", subject: "", text: "123456 is your code & more" } as const;

function open(from: string, answer: () => Response) {
  const requests: { url: string; headers: Record<string, string>; form: Record<string, string> }[] = [];
  const settings = { accountSid: `AC${"0".repeat(32)}`, authToken: "secret", from };
  const sender = createTwilioSender(settings, async (url, init = {}) => {
    requests.push({
      url,
      headers: { ...init.headers },
      form: Object.fromEntries(new URLSearchParams(String(init.body))),
    });
    return answer();
  });
  return { requests, sender };
}

describe("sending through Twilio", () => {
  it("sends number, text and sender, and nothing else of anybody", async () => {
    const { requests, sender } = open("+14155550100", () => Response.json({ sid: "SM1" }, { status: 201 }));
    await sender.send(MESSAGE, "msg_1");
    expect(requests).toEqual([
      {
        url: `https://api.twilio.com/2010-04-01/Accounts/AC${"0".repeat(32)}/Messages.json`,
        headers: expect.objectContaining({
          authorization: `Basic ${Buffer.from(`AC${"0".repeat(32)}:secret`).toString("base64")}`,
        }),
        form: { To: "+14155550123", Body: "123456 is your code & more", From: "+14155550100" },
      },
    ]);
  });

  it("names a messaging service where that is the sender", async () => {
    const service = `MG${"a".repeat(32)}`;
    const { requests, sender } = open(service, () => Response.json({}, { status: 201 }));
    await sender.send(MESSAGE, "msg_1");
    expect(requests[0]?.form).toMatchObject({ MessagingServiceSid: service });
    expect(requests[0]?.form).not.toHaveProperty("From");
  });

  it.each([
    [400, false],
    [401, false],
    [429, true],
    [500, true],
  ])("takes the answer %i for temporary: %s", async (status, isTemporary) => {
    const { sender } = open("+14155550100", () => Response.json({ code: 21211, message: "Invalid 'To'" }, { status }));
    await expect(sender.send(MESSAGE, "msg_1")).rejects.toMatchObject({ isTemporary, message: /Invalid 'To'/ });
  });
});
