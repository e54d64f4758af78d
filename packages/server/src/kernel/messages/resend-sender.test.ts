import { describe, expect, it } from "vitest";
import { createResendSender } from "./resend-sender.ts";

const MESSAGE = { channel: "mail", to: "ada@example.com", subject: "Hello", text: "Hi", html: "<p>Hi</p>" } as const;

function open(answer: () => Response | Promise<Response>) {
  const requests: { url: string; headers: Record<string, string>; body: unknown }[] = [];
  const sender = createResendSender({ apiKey: "re_secret", from: "Shop <a@shop.example>" }, async (url, init = {}) => {
    requests.push({ url, headers: { ...init.headers }, body: JSON.parse(String(init.body ?? "null")) });
    return await answer();
  });
  return { requests, sender };
}

describe("sending through Resend", () => {
  it("sends address, text and sender, and nothing else of anybody; a repeat carries the same key", async () => {
    const { requests, sender } = open(() => Response.json({ id: "1" }));
    await sender.send(MESSAGE, "msg_1");
    expect(requests).toEqual([
      {
        url: "https://api.resend.com/emails",
        headers: expect.objectContaining({ authorization: "Bearer re_secret", "idempotency-key": "msg_1" }),
        body: {
          from: "Shop <a@shop.example>",
          to: ["ada@example.com"],
          subject: "Hello",
          text: "Hi",
          html: "<p>Hi</p>",
        },
      },
    ]);
  });

  it.each([
    [401, false],
    [422, false],
    [429, true],
    [503, true],
  ])("takes the answer %i for temporary: %s, and says what Resend said", async (status, isTemporary) => {
    const { sender } = open(() => Response.json({ name: "x", message: "The domain is not verified." }, { status }));
    await expect(sender.send(MESSAGE, "msg_1")).rejects.toMatchObject({
      isTemporary,
      message: `Resend answered ${status}: The domain is not verified.`,
    });
  });

  it("tries again when Resend cannot be reached", async () => {
    const { sender } = open(() => Promise.reject(new TypeError("fetch failed", { cause: new Error("no route") })));
    await expect(sender.send(MESSAGE, "msg_1")).rejects.toMatchObject({ isTemporary: true, message: /no route/ });
  });
});
