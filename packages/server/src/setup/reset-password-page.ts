import { html } from "hono/html";
import { FORM_SCRIPT } from "./form-script.ts";
import type { Page } from "./page-shell.ts";

const SCRIPT = `${FORM_SCRIPT}
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
// Nobody who looks at the screen, the history or a bookmark finds the token.
history.replaceState(null, "", "/reset-password");
if (!token) {
  byId("problem").textContent = "The link is incomplete: it ends in #token=… Copy the whole link from the mail.";
  byId("problem").hidden = false;
}
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void submit(byId("save"), "Saving …", async () => {
    await send("/api/auth/password/reset", { token, newPassword: byId("newPassword").value });
    byId("start").hidden = true;
    byId("done").hidden = false;
    byId("done-title").focus();
  });
});
`;

/** Where the link in the mail for a new password leads. */
export const RESET_PASSWORD_PAGE: Page = {
  title: "Set a new password",
  script: SCRIPT,
  body: html`
<div id="start">
<h1>Set a new password</h1>
<p>All sessions of your account end with it.</p>
<div id="problem" class="notice bad" role="alert" hidden></div>
<form id="form">
<label for="newPassword">New password</label>
<input id="newPassword" type="password" autocomplete="new-password" required maxlength="200" aria-describedby="newPassword-hint newPassword-wrong">
<p class="hint" id="newPassword-hint">At least 8 characters, with an upper-case letter, a lower-case letter and a digit.</p>
<p class="wrong" id="newPassword-wrong"></p>
<button id="save" class="wide">Set the password</button>
</form>
</div>
<div id="done" hidden>
<h1 id="done-title" tabindex="-1">The password is set</h1>
<p>Log in with it from now on. You can close this page.</p>
</div>`,
};
