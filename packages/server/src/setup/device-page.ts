import { html } from "hono/html";
import { FORM_SCRIPT } from "./form-script.ts";
import type { Page } from "./page-shell.ts";

const SCRIPT = `${FORM_SCRIPT}
byId("code").value = new URLSearchParams(location.search).get("user_code") || "";
byId(byId("code").value ? "email" : "code").focus();

let challengeToken;

function askForFactor(asked) {
  byId("second-step").hidden = !asked;
  byId("factor").required = asked;
  byId("factor").value = "";
}
for (const id of ["email", "password"]) {
  byId(id).addEventListener("input", () => {
    challengeToken = undefined;
    askForFactor(false);
  });
}

/** Nothing while a code of the authenticator app is still to be entered. */
async function logIn() {
  if (!challengeToken) {
    const answer = await send("/api/auth/login", { email: byId("email").value, password: byId("password").value });
    if (!answer.mfaRequired) return answer;
    challengeToken = answer.challengeToken;
    if (!byId("factor").value) {
      askForFactor(true);
      byId("factor").focus();
      return undefined;
    }
  }
  const text = byId("factor").value.trim();
  const factor = /^[0-9]{6}$/.test(text) ? { code: text } : { recoveryCode: text };
  try {
    const session = await send("/api/auth/login/totp", { challengeToken, ...factor });
    challengeToken = undefined;
    byId("factor").value = "";
    return session;
  } catch (failure) {
    if (failure.code === "AUTH_TOKEN_INVALID") challengeToken = undefined;
    throw failure;
  }
}

function decide(approve, button, busyText) {
  if (!byId("form").reportValidity()) return;
  void submit(button, busyText, async () => {
    const session = await logIn();
    if (!session) return;
    const { token, refreshToken } = session;
    try {
      await send("/api/auth/device/decide", { user_code: byId("code").value, approve }, token);
    } finally {
      await send("/api/auth/logout", { refreshToken }, token).catch(() => undefined);
    }
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
<label for="email">E-mail address</label>
<input id="email" type="email" autocomplete="username" required maxlength="254" aria-describedby="email-wrong">
<p class="wrong" id="email-wrong"></p>
<label for="password">Password</label>
<input id="password" type="password" autocomplete="current-password" required maxlength="200" aria-describedby="password-wrong">
<p class="wrong" id="password-wrong"></p>
<div id="second-step" hidden>
<label for="factor">Code of your authenticator app, or a recovery code</label>
<input id="factor" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="40">
</div>
<div class="actions"><button id="approve">Approve</button><button id="refuse" type="button" class="plain">Refuse</button></div>
</form>
</div>
<div id="done" hidden>
<h1 id="outcome" tabindex="-1"></h1>
<p id="outcome-text"></p>
</div>`,
};
