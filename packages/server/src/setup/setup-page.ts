import { html } from "hono/html";
import { FORM_SCRIPT } from "./form-script.ts";
import type { Markup, Page } from "./page-shell.ts";

/** A text with a button that copies it. */
function copyable(id: string, label: string): Markup {
  return html`<div class="copy"><code id="${id}"></code><button type="button" data-copy="${id}" aria-label="Copy ${label}">Copy</button></div>`;
}

const SCRIPT = `${FORM_SCRIPT}
const readToken = () =>
  new URLSearchParams(location.hash.slice(1)).get("token") || new URLSearchParams(location.search).get("token") || "";

if (!readToken()) {
  byId("problem").textContent =
    "The set-up link is incomplete: it ends in #token=… Copy the whole link that the server printed when it started.";
  byId("problem").hidden = false;
}

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value.trim();
  void submit(byId("create"), "Creating …", async () => {
    const made = await send("/api/auth/setup", {
      token: readToken(),
      email: byId("email").value,
      password: byId("password").value,
      projectName: byId("projectName").value,
      ageConfirmed: byId("ageConfirmed").checked,
      ...(name === "" ? {} : { name }),
    });
    history.replaceState(null, "", "/setup");
    byId("made-project").textContent = made.project.name;
    byId("curl").textContent = made.curl;
    byId("secretKey").textContent = made.secretKey;
    byId("publicKey").textContent = made.publicKey;
    byId("nextCommand").textContent = made.nextCommand;
    byId("start").hidden = true;
    byId("done").hidden = false;
    byId("done-title").focus();
  });
});

byId("reveal").addEventListener("click", () => {
  const hidden = byId("password").type === "password";
  byId("password").type = hidden ? "text" : "password";
  byId("reveal").textContent = hidden ? "Hide" : "Show";
});

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const code = byId(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}
`;

/** The first minute: an account, a project, its keys and a request that works. */
export const SETUP_PAGE: Page = {
  title: "Set up",
  script: SCRIPT,
  body: html`
<div id="start">
<h1>Create the first account</h1>
<p>It administers this installation. Everything you enter stays in this installation.</p>
<div id="problem" class="notice bad" role="alert" hidden></div>
<form id="form">
<label for="email">E-mail address</label>
<input id="email" type="email" autocomplete="username" required maxlength="254" aria-describedby="email-wrong" autofocus>
<p class="wrong" id="email-wrong"></p>
<label for="password">Password</label>
<div class="copy"><input id="password" class="bare" type="password" autocomplete="new-password" required maxlength="200" aria-describedby="password-hint password-wrong"><button type="button" id="reveal" aria-controls="password">Show</button></div>
<p class="hint" id="password-hint">At least 8 characters, with an upper-case letter, a lower-case letter and a digit.</p>
<p class="wrong" id="password-wrong"></p>
<label for="name">Your name <span class="soft">(optional)</span></label>
<input id="name" autocomplete="name" maxlength="100" aria-describedby="name-wrong">
<p class="wrong" id="name-wrong"></p>
<label for="projectName">First project</label>
<input id="projectName" value="My first project" required minlength="2" maxlength="100" aria-describedby="projectName-wrong">
<p class="wrong" id="projectName-wrong"></p>
<label class="check"><input id="ageConfirmed" type="checkbox" required aria-describedby="ageConfirmed-wrong"><span>I am 16 or older</span></label>
<p class="wrong" id="ageConfirmed-wrong"></p>
<button id="create" class="wide">Create account and project</button>
</form>
</div>
<div id="done" hidden>
<h1 id="done-title" tabindex="-1">You are ready</h1>
<p>The project <strong id="made-project"></strong> is there. Call it from a terminal:</p>
${copyable("curl", "the command")}
<h2>Next: deploy your own function</h2>
${copyable("nextCommand", "the next command")}
<h2>Secret key</h2>
${copyable("secretKey", "the secret key")}
<p class="hint">May do everything within the project. Keep it on servers.</p>
<h2>Public key</h2>
${copyable("publicKey", "the public key")}
<p class="hint">For browsers and apps.</p>
<p class="notice below">Both keys are shown this once. Copy them now; new ones can be made at any time.</p>
<p><a href="/api/docs">Read the API reference</a></p>
</div>`,
};

/** What the set-up link shows once an admin exists. */
export const SETUP_DONE_PAGE: Page = {
  title: "Set up",
  body: html`
<h1>This installation is set up</h1>
<p>It has its admin account. Log in from a terminal:</p>
<div class="copy"><code>npx aerostack login</code></div>
<p></p>
<p><a href="/api/docs">Read the API reference</a></p>`,
};
