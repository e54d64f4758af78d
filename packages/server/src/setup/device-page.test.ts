import { setImmediate } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { DEVICE_PAGE } from "./device-page.ts";

/** The page's script on elements that know only what it uses. */
function openPage(answer: (path: string, body: Record<string, unknown>) => Record<string, unknown>) {
  const elements = new Map<string, Record<string, unknown>>();
  const byId = (id: string) => {
    const listeners: Record<string, (event: unknown) => void> = {};
    const element = elements.get(id) ?? {
      value: "",
      hidden: id === "second-step" || id === "done",
      focus: () => {},
      reportValidity: () => true,
      addEventListener: (name: string, listener: (event: unknown) => void) => {
        listeners[name] = listener;
      },
      fire: (name: string) => listeners[name]?.({ preventDefault: () => {} }),
    };
    elements.set(id, element);
    return element;
  };
  const asked: string[] = [];
  runInNewContext(DEVICE_PAGE.script ?? "", {
    document: { getElementById: byId, querySelectorAll: () => [] },
    location: { search: "?user_code=BCDF-GHJK" },
    URLSearchParams,
    fetch: async (path: string, { body }: { body: string }) => {
      asked.push(path.replace("/api/auth/", ""));
      const json = answer(path, JSON.parse(body));
      return { ok: json.code === undefined, status: 401, json: async () => json };
    },
  });
  const approve = async () => {
    (byId("form").fire as (name: string) => void)("submit");
    for (let turn = 0; turn < 5; turn++) await setImmediate();
  };
  return { byId, approve, asked };
}

const session = { token: "t", refreshToken: "r" };

it("approves with a password alone where the account has no authenticator app", async () => {
  const { byId, approve, asked } = openPage(() => session);
  await approve();
  expect(asked).toEqual(["login", "device/decide", "logout"]);
  expect(byId("done").hidden).toBe(false);
});

it("asks for the code of the authenticator app, again after a wrong one, and approves then", async () => {
  const { byId, approve, asked } = openPage((path, body) => {
    if (path.endsWith("/login")) return { mfaRequired: true, challengeToken: "am_1" };
    if (!path.endsWith("/totp")) return session;
    return body.code === "123456" && body.challengeToken === "am_1" ? session : { code: "AUTH_OTP_INVALID" };
  });
  await approve();
  expect(byId("second-step").hidden).toBe(false);
  expect(byId("factor").required).toBe(true);
  byId("factor").value = "wrong-code1";
  await approve();
  expect(byId("problem").hidden).toBe(false);
  byId("factor").value = "123456";
  await approve();
  expect(asked).toEqual(["login", "login/totp", "login/totp", "device/decide", "logout"]);
  expect(byId("done").hidden).toBe(false);
});
