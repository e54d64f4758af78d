import { endUserProjectParamsSchema } from "@aerostack/contracts";
import { html } from "hono/html";
import { defineRoute, type Route } from "../../edge/define-route.ts";
import { END_USER_AUTH_PATH, END_USER_TAG } from "../auth-route.ts";
import type { SettingsReader } from "../settings/settings.ts";
import { type Markup, respondWithHostedPage } from "./hosted-page.ts";

export interface PageRoutesOptions {
  readonly requireProject: (slugOrId: string) => Promise<{ readonly id: string; readonly name: string }>;
  readonly settings: SettingsReader;
}

/** The token leaves the address bar at once: it is not to stay in the history. */
const COMMON_SCRIPT = `
const byId = (id) => document.getElementById(id);
const token = new URLSearchParams(location.search).get("token") || "";
history.replaceState(null, "", location.pathname);

async function act(button, request) {
  byId("problem").hidden = true;
  button.disabled = true;
  try {
    const answer = await request();
    const json = await answer.json();
    if (!answer.ok) throw new Error(json.message || "It did not work.");
    byId("start").hidden = true;
    byId("done").hidden = false;
    byId("done").focus();
  } catch (failure) {
    byId("problem").textContent = failure.message;
    byId("problem").hidden = false;
    button.disabled = false;
  }
}
`;

interface PageSpec {
  readonly name: string;
  readonly summary: string;
  readonly title: string;
  readonly script: string;
  readonly body: (appName: string) => Markup;
}

// Programs that look at mails open their links. What a link does is done by a button, which they do not press.
const PAGES: readonly PageSpec[] = [
  {
    name: "verify-email",
    summary: "Page that confirms an e-mail address",
    title: "Confirm your e-mail address",
    script: `${COMMON_SCRIPT}
byId("confirm").addEventListener("click", () =>
  act(byId("confirm"), () => fetch("../verify-email?token=" + encodeURIComponent(token))));
`,
    body: (appName) => html`
<div id="start">
<h1>Confirm your e-mail address</h1>
<p>Did you sign up to ${appName} with this address? Then confirm it.</p>
<button id="confirm">Confirm the address</button>
</div>
<div id="done" tabindex="-1" hidden><h1>Confirmed</h1><p>Your address is confirmed. You can close this page.</p></div>`,
  },
  {
    name: "reset-password",
    summary: "Page that sets a new password",
    title: "Set a new password",
    script: `${COMMON_SCRIPT}
byId("start").addEventListener("submit", (event) => {
  event.preventDefault();
  void act(byId("set"), () => fetch("../reset-password", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token, newPassword: byId("password").value }),
  }));
});
`,
    body: (appName) => html`
<form id="start">
<h1>Set a new password</h1>
<p>For ${appName}. You will be logged out everywhere else.</p>
<label for="password">New password</label>
<input id="password" type="password" autocomplete="new-password" required maxlength="200">
<button id="set">Set the password</button>
</form>
<div id="done" tabindex="-1" hidden><h1>Done</h1><p>Log in with your new password. You can close this page.</p></div>`,
  },
];

/** Pages for links in messages of projects that have no site of their own yet. */
export function createPageRoutes({ requireProject, settings }: PageRoutesOptions): readonly Route[] {
  return PAGES.map(({ name, summary, title, script, body }) =>
    defineRoute({
      method: "get",
      path: `${END_USER_AUTH_PATH}/pages/${name}`,
      summary,
      tag: END_USER_TAG,
      auth: "none",
      params: endUserProjectParamsSchema,
      response: { status: 200, contentType: "text/html" },
      handler: async ({ params }) => {
        const project = await requireProject(params.project);
        const appName = (await settings.of(project.id)).appName ?? project.name;
        return await respondWithHostedPage({ title, appName, script, body: body(appName) });
      },
    }),
  );
}
