import { html } from "hono/html";
import { CHALLENGE_FIELD, CHALLENGE_SCRIPT } from "./challenge.ts";
import { FORM_SCRIPT } from "./form-script.ts";

/** `logIn()` for pages with these fields: a session, or nothing while a code of the second step is still to be entered. */
export const LOG_IN_SCRIPT = `${FORM_SCRIPT}${CHALLENGE_SCRIPT}
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

async function logIn() {
  if (!challengeToken) {
    const answer = await sendAsHuman("login", "/api/auth/login", {
      email: byId("email").value,
      password: byId("password").value,
    });
    if (!answer.mfaRequired) return answer;
    if (answer.methods && !answer.methods.includes("totp")) {
      throw new Error("Your account asks for a passkey after the password, which this page cannot take.");
    }
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

/** What is done with a session that lives no longer than this. */
async function withSession({ token, refreshToken }, work) {
  try {
    return await work(token);
  } finally {
    await send("/api/auth/logout", { refreshToken }, token).catch(() => undefined);
  }
}
`;

export const LOG_IN_FIELDS = html`<label for="email">E-mail address</label>
<input id="email" type="email" autocomplete="username" required maxlength="254" aria-describedby="email-wrong">
<p class="wrong" id="email-wrong"></p>
<label for="password">Password</label>
<input id="password" type="password" autocomplete="current-password" required maxlength="200" aria-describedby="password-wrong">
<p class="wrong" id="password-wrong"></p>
<div id="second-step" hidden>
<label for="factor">Code of your authenticator app, or a recovery code</label>
<input id="factor" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="40">
</div>
${CHALLENGE_FIELD}`;
