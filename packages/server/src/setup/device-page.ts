import { html } from "hono/html";
import { LOG_IN_FIELDS, LOG_IN_SCRIPT } from "./log-in-form.ts";
import type { Page } from "./page-shell.ts";

const SCRIPT = `${LOG_IN_SCRIPT}
byId("code").value = new URLSearchParams(location.search).get("user_code") || "";
byId(byId("code").value ? "email" : "code").focus();

function decide(approve, button, busyText) {
  if (!byId("form").reportValidity()) return;
  void submit(button, busyText, async () => {
    const session = await logIn();
    if (!session) return;
    await withSession(session, (token) =>
      send("/api/auth/device/decide", { user_code: byId("code").value, approve }, token),
    );
    byId("start").hidden = true;
    byId("outcome").textContent = approve ? "You are logged in" : "Log-in refused";
    byId("outcome-text").textContent = approve
      ? "The program has its key now. You can close this page."
      : "The program was told so. You can close this page.";
    byId("done").hidden = false;
    byId("outcome").focus();
  });
}
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  decide(true, byId("approve"), "Approving …");
});
byId("refuse").addEventListener("click", () => decide(false, byId("refuse"), "Refusing …"));
`;

/** Approves a log-in that a program without a browser has started. */
export const DEVICE_PAGE: Page = {
  title: "Approve a log-in",
  script: SCRIPT,
  body: html`
<div id="start">
<h1>Approve a log-in</h1>
<p>A program, such as the command line, wants a key to your account. Approve only if you have just started it yourself and it shows this code.</p>
<div id="problem" class="notice bad" role="alert" hidden></div>
<form id="form">
<label for="code">Code</label>
<input id="code" class="code" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" placeholder="XXXX-XXXX">
${LOG_IN_FIELDS}
<div class="actions"><button id="approve">Approve</button><button id="refuse" type="button" class="plain">Refuse</button></div>
</form>
</div>
<div id="done" hidden>
<h1 id="outcome" tabindex="-1"></h1>
<p id="outcome-text"></p>
</div>`,
};
