import { html } from "hono/html";
import { LOG_IN_FIELDS, LOG_IN_SCRIPT } from "./log-in-form.ts";
import type { Page } from "./page-shell.ts";

const SCRIPT = `${LOG_IN_SCRIPT}
const invitation = new URLSearchParams(location.hash.slice(1)).get("token") || "";
// Nobody who looks at the screen, the history or a bookmark finds the token.
history.replaceState(null, "", "/invitations");
if (!invitation) {
  byId("problem").textContent = "The link is incomplete: it ends in #token=… Copy the whole link from the mail.";
  byId("problem").hidden = false;
}
let isNew = false;
let session;

byId("switch").addEventListener("click", () => {
  isNew = !isNew;
  challengeToken = undefined;
  askForFactor(false);
  clearProblems();
  byId("newcomer").hidden = !isNew;
  byId("password-hint").hidden = !isNew;
  byId("age").hidden = !isNew;
  byId("ageConfirmed").required = isNew;
  byId("password").autocomplete = isNew ? "new-password" : "current-password";
  byId("go").textContent = isNew ? "Create the account" : "Log in";
  byId("switch").textContent = isNew ? "I have an account" : "I have no account yet";
});

async function signUp() {
  const name = byId("name").value.trim();
  return await sendAsHuman("register", "/api/auth/register", {
    email: byId("email").value,
    password: byId("password").value,
    ...(name ? { name } : {}),
    ageConfirmed: byId("ageConfirmed").checked,
  });
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void submit(byId("go"), isNew ? "Creating …" : "Logging in …", async () => {
    const opened = isNew ? await signUp() : await logIn();
    if (!opened) return;
    if (isNew) byId("switch").click();
    session = opened;
    let told;
    try {
      told = await send("/api/v1/invitations/show", { token: invitation }, session.token);
    } catch (failure) {
      await send("/api/auth/logout", { refreshToken: session.refreshToken }, session.token).catch(() => undefined);
      throw failure;
    }
    byId("organisation").textContent = told.organisation.name;
    byId("role").textContent = told.roleName;
    byId("account").textContent = session.user.email;
    byId("start").hidden = true;
    byId("decision").hidden = false;
    byId("decision-title").focus();
  });
});

function decide(accepts, button, busyText) {
  // What goes wrong is said where the person looks.
  const shown = byId("problem");
  byId("decision-problem").append(shown);
  void submit(button, busyText, async () => {
    await send("/api/v1/invitations/" + (accepts ? "accept" : "decline"), { token: invitation }, session.token);
    await send("/api/auth/logout", { refreshToken: session.refreshToken }, session.token).catch(() => undefined);
    byId("decision").hidden = true;
    byId("outcome").textContent = accepts ? "You are a member" : "The invitation is declined";
    byId("outcome-text").textContent = accepts
      ? "The organisation is among yours from now on. You can close this page."
      : "Nothing else happens. You can close this page.";
    byId("done").hidden = false;
    byId("outcome").focus();
  });
}
byId("accept").addEventListener("click", () => decide(true, byId("accept"), "Accepting …"));
byId("decline").addEventListener("click", () => decide(false, byId("decline"), "Declining …"));
`;

/** Where the link in the mail of an invitation leads. Only the account of the address that was invited gets further. */
export const INVITATION_PAGE: Page = {
  title: "You are invited",
  script: SCRIPT,
  body: html`
<div id="start">
<h1>You are invited</h1>
<p>Log in with the account of the address that the invitation was sent to. You decide about it on the next page.</p>
<div id="problem" class="notice bad" role="alert" hidden></div>
<form id="form">
<div id="newcomer" hidden>
<label for="name">Your name <span class="soft">(optional)</span></label>
<input id="name" autocomplete="name" maxlength="100" aria-describedby="name-wrong">
<p class="wrong" id="name-wrong"></p>
</div>
${LOG_IN_FIELDS}
<p class="hint" id="password-hint" hidden>At least 8 characters, with an upper-case letter, a lower-case letter and a digit.</p>
<div id="age" hidden>
<label class="check" for="ageConfirmed"><input id="ageConfirmed" type="checkbox"> I am 16 years old or older</label>
</div>
<button id="go" class="wide">Log in</button>
<button id="switch" type="button" class="plain wide">I have no account yet</button>
</form>
</div>
<div id="decision" hidden>
<h1 id="decision-title" tabindex="-1">Join <span id="organisation"></span>?</h1>
<p>With the account <strong id="account"></strong> and the role <strong id="role"></strong>.</p>
<div id="decision-problem"></div>
<div class="actions"><button id="accept">Join</button><button id="decline" type="button" class="plain">Decline</button></div>
</div>
<div id="done" hidden>
<h1 id="outcome" tabindex="-1"></h1>
<p id="outcome-text"></p>
</div>`,
};
