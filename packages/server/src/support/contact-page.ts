import { html } from "hono/html";
import { FORM_SCRIPT } from "../setup/form-script.ts";
import type { Page } from "../setup/page-shell.ts";

const SCRIPT = `${FORM_SCRIPT}
const asked = new URLSearchParams(location.search).get("topic");
if (["support", "privacy", "security"].includes(asked)) byId("topic").value = asked;
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void submit(byId("send"), "Sending …", async () => {
    await send("/api/v1/support/conversations", {
      topic: byId("topic").value,
      email: byId("email").value,
      subject: byId("subject").value,
      text: byId("text").value,
    });
    byId("start").hidden = true;
    byId("done").hidden = false;
    byId("done-title").focus();
  });
});
`;

/** Where people reach those who run the installation: about privacy, security, and everything else. */
export const CONTACT_PAGE: Page = {
  title: "Contact",
  script: SCRIPT,
  body: html`
<div id="start">
<h1>Write to us</h1>
<p>The people who run this installation read it. For an urgent weakness see also <a href="/.well-known/security.txt">security.txt</a>.</p>
<div id="problem" class="notice bad" role="alert" hidden></div>
<form id="form">
<label for="topic">What is it about?</label>
<select id="topic">
<option value="support">Help and everything else</option>
<option value="privacy">Privacy and your data</option>
<option value="security">A security problem</option>
</select>
<label for="email">Your e-mail address</label>
<input id="email" type="email" autocomplete="email" required maxlength="254" aria-describedby="email-hint email-wrong">
<p class="hint" id="email-hint">The answer goes there, with a link to the conversation.</p>
<p class="wrong" id="email-wrong"></p>
<label for="subject">Subject</label>
<input id="subject" required maxlength="200" aria-describedby="subject-wrong">
<p class="wrong" id="subject-wrong"></p>
<label for="text">Your message</label>
<textarea id="text" rows="7" required maxlength="10000" aria-describedby="text-wrong"></textarea>
<p class="wrong" id="text-wrong"></p>
<button id="send" class="wide">Send</button>
</form>
</div>
<div id="done" hidden>
<h1 id="done-title" tabindex="-1">We have your message</h1>
<p>A mail with a link to the conversation is on its way to you. The answer comes the same way.</p>
</div>`,
};
