import { html } from "hono/html";
import { FORM_SCRIPT } from "./form-script.ts";
import type { Page } from "./page-shell.ts";

export interface LinkPageFacts {
  /** Where the link leads. */
  readonly path: string;
  /** What its token is sent to. */
  readonly endpoint: string;
  readonly title: string;
  readonly text: string;
  readonly button: string;
  readonly busy: string;
  readonly doneTitle: string;
  readonly doneText: string;
}

/** Where a link in a mail leads that does one thing. It asks first: programs that open links in mails do nothing by it. */
export function linkPage(facts: LinkPageFacts): Page {
  return {
    title: facts.title,
    script: `${FORM_SCRIPT}
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";
// Nobody who looks at the screen, the history or a bookmark finds the token.
history.replaceState(null, "", ${JSON.stringify(facts.path)});
if (!token) {
  byId("problem").textContent = "The link is incomplete: it ends in #token=… Copy the whole link from the mail.";
  byId("problem").hidden = false;
  byId("confirm").disabled = true;
}
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void submit(byId("confirm"), ${JSON.stringify(facts.busy)}, async () => {
    await send(${JSON.stringify(facts.endpoint)}, { token });
    byId("start").hidden = true;
    byId("done").hidden = false;
    byId("done-title").focus();
  });
});
`,
    body: html`
<div id="start">
<h1>${facts.title}</h1>
<p>${facts.text}</p>
<div id="problem" class="notice bad" role="alert" hidden></div>
<form id="form">
<button id="confirm" class="wide">${facts.button}</button>
</form>
</div>
<div id="done" hidden>
<h1 id="done-title" tabindex="-1">${facts.doneTitle}</h1>
<p>${facts.doneText}</p>
</div>`,
  };
}
