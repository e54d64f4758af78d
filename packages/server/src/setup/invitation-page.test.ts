import { setImmediate } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { expect, it } from "vitest";
import { INVITATION_PAGE } from "./invitation-page.ts";

const HIDDEN = ["newcomer", "age", "password-hint", "second-step", "decision", "done"];

/** The page's script on elements that know only what it uses. */
function openPage(
  answer: (path: string, body: Record<string, unknown>) => Record<string, unknown>,
  hash: string,
  turnstile?: { render: (place: string, options: Record<string, unknown>) => string; remove: (id: string) => void },
) {
  const elements = new Map<string, Record<string, unknown>>();
  const byId = (id: string) => {
    const listeners: Record<string, (event: unknown) => void> = {};
    const element = elements.get(id) ?? {
      value: "",
      textContent: "",
      checked: false,
      dataset: { siteKey: "site" },
      hidden: HIDDEN.includes(id),
      focus: () => {},
      append: () => {},
      addEventListener: (name: string, listener: (event: unknown) => void) => {
        listeners[name] = listener;
      },
      fire: (name: string) => listeners[name]?.({ preventDefault: () => {} }),
      click: () => listeners.click?.({}),
    };
    elements.set(id, element);
    return element;
  };
  const asked: [string, Record<string, unknown>, string | undefined][] = [];
  const replaced: string[] = [];
  runInNewContext(INVITATION_PAGE.script ?? "", {
    document: { getElementById: byId, querySelectorAll: () => [] },
    location: { hash },
    history: { replaceState: (_state: unknown, _title: string, url: string) => replaced.push(url) },
    URLSearchParams,
    window: { turnstile },
    fetch: async (path: string, init: { body: string; headers: Record<string, string> }) => {
      const body = JSON.parse(init.body);
      asked.push([path, body, init.headers.authorization]);
      const json = answer(path, body);
      return { ok: json.code === undefined && json.error === undefined, status: 403, json: async () => json };
    },
  });
  const fire = async (id: string, event: string) => {
    (byId(id).fire as (name: string) => void)(event);
    for (let turn = 0; turn < 8; turn++) await setImmediate();
  };
  return { byId, fire, asked, replaced, paths: () => asked.map(([path]) => path) };
}

const session = { token: "t", refreshToken: "r", user: { email: "ada@example.com" } };
const details = { organisation: { id: "org_1", name: "Team <b>" }, role: "rol_1", roleName: "Editor" };
const answers = (path: string) => (path.includes("/invitations/") ? details : session);

it("shows what the invitation is to, and joins only when the person says so", async () => {
  const { byId, fire, asked, paths, replaced } = openPage(answers, "#token=inv_1");
  expect(replaced).toEqual(["/invitations"]);
  await fire("form", "submit");
  expect(paths()).toEqual(["/api/auth/login", "/api/v1/invitations/show"]);
  expect(asked[1]).toEqual(["/api/v1/invitations/show", { token: "inv_1" }, "Bearer t"]);
  expect([byId("organisation").textContent, byId("role").textContent]).toEqual(["Team <b>", "Editor"]);
  expect(byId("decision").hidden).toBe(false);
  await fire("accept", "click");
  expect(paths().slice(2)).toEqual(["/api/v1/invitations/accept", "/api/auth/logout"]);
  expect(byId("done").hidden).toBe(false);
});

it("declines when the person says so", async () => {
  const { byId, fire, paths } = openPage(answers, "#token=inv_1");
  await fire("form", "submit");
  await fire("decline", "click");
  expect(paths().slice(2)).toEqual(["/api/v1/invitations/decline", "/api/auth/logout"]);
  expect(byId("outcome").textContent).toContain("declined");
});

it("says whose invitation it is to another account, and leaves no session open", async () => {
  const refusal = { error: { code: "FORBIDDEN", message: "It is for another address.", fix: "Log in with that one." } };
  const { byId, fire, paths } = openPage(
    (path) => (path.includes("/invitations/") ? refusal : session),
    "#token=inv_1",
  );
  await fire("form", "submit");
  expect(byId("problem").textContent).toBe("It is for another address. Log in with that one.");
  expect(byId("problem").hidden).toBe(false);
  expect(byId("decision").hidden).toBe(true);
  expect(paths().at(-1)).toBe("/api/auth/logout");
});

it("makes an account for who has none, asking for the age", async () => {
  const { byId, fire, asked } = openPage(answers, "#token=inv_1");
  await fire("switch", "click");
  expect([byId("newcomer").hidden, byId("age").hidden, byId("ageConfirmed").required]).toEqual([false, false, true]);
  byId("email").value = "ada@example.com";
  byId("password").value = "Correct-Horse-7";
  byId("ageConfirmed").checked = true;
  await fire("form", "submit");
  expect(asked[0]?.slice(0, 2)).toEqual([
    "/api/auth/register",
    { email: "ada@example.com", password: "Correct-Horse-7", ageConfirmed: true },
  ]);
  expect(byId("decision").hidden).toBe(false);
});

it("shows the challenge that the server asks for, and sends each solution once and for what it was solved", async () => {
  const shown: { action: string; solve: (token: string) => void }[] = [];
  const removed: string[] = [];
  const { byId, fire, asked } = openPage(
    (_path, body) =>
      body.turnstileToken === "solved" ? session : { code: "AUTH_CAPTCHA_FAILED", message: "No person.", details: {} },
    "#token=inv_1",
    {
      render(place, { sitekey, action, callback }) {
        expect([place, sitekey]).toEqual(["#challenge", "site"]);
        shown.push({ action: String(action), solve: callback as (token: string) => void });
        return `widget ${shown.length}`;
      },
      remove: (id) => removed.push(id),
    },
  );
  await fire("form", "submit");
  expect(byId("problem").textContent).toContain("Show that you are a person");
  shown[0]?.solve("wrong");
  await fire("form", "submit");
  // The service takes a solution once, so there is a new challenge.
  expect([shown.map(({ action }) => action), removed]).toEqual([["login", "login"], ["widget 1"]]);
  await fire("switch", "click");
  await fire("form", "submit");
  expect(shown.at(-1)?.action).toBe("register");
  shown.at(-1)?.solve("solved");
  await fire("form", "submit");
  expect(asked.slice(0, 4).map(([path, body]) => [path, body.turnstileToken])).toEqual([
    ["/api/auth/login", undefined],
    ["/api/auth/login", "wrong"],
    ["/api/auth/register", undefined],
    ["/api/auth/register", "solved"],
  ]);
});

it("says that a link without its token is incomplete", () => {
  expect(openPage(answers, "").byId("problem").hidden).toBe(false);
});
