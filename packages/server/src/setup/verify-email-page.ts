import { html } from "hono/html";
import { FORM_SCRIPT } from "./form-script.ts";
import type { Page } from "./page-shell.ts";

const SCRIPT = `${FORM_SCRIPT}
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
// Nobody who looks at the screen, the history or a bookmark finds the token.
history.replaceState(null, "", "/verify-email");
if (!token) {
  byId("problem").textContent = "The link is incomplete: it ends in #token=… Copy the whole link from the mail.";
  byId("problem").hidden = false;
}
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void submit(byId("confirm"), "Confirming …", async () => {
    await send("/api/auth/verify-email", { token });
    byId("start").hidden = true;
    byId("done").hidden = false;
    byId("done-title").focus();
  });
});
`;

/** Where the link in the mail to a new account leads. It asks first: programs that open links in mails confirm nothing. */
export const VERIFY_EMAIL_PAGE: Page = {
  title: "Confirm your e-mail address",
  script: SCRIPT,
  body: html`
<div id="start">
<h1>Confirm your e-mail address</h1>
<p>Only if it was you who signed up with it.</p>
<div id="problem" class="notice bad" role="alert" hidden></div>
<form id="form">
<button id="confirm" class="wide">Confirm the address</button>
</form>
</div>
<div id="done" hidden>
<h1 id="done-title" tabindex="-1">The address is confirmed</h1>
<p>You can close this page.</p>
</div>`,
};
