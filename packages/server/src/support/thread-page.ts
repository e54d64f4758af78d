import { html } from "hono/html";
import { FORM_SCRIPT } from "../setup/form-script.ts";
import type { Page } from "../setup/page-shell.ts";

const SCRIPT = `${FORM_SCRIPT}
const token = new URLSearchParams(location.hash.slice(1)).get("token") || "";

function show({ conversation, messages }) {
  byId("subject").textContent = conversation.subject;
  byId("state").textContent = {
    open: "We have not answered yet.",
    answered: "We have answered.",
    closed: "This conversation is closed. Write, and it is open again.",
  }[conversation.status];
  byId("messages").replaceChildren(...messages.map((message) => {
    const item = document.createElement("li");
    const head = document.createElement("p");
    head.className = "hint";
    const who = message.author === "operator" ? "We" : message.from || "You";
    head.textContent = who + ", " + new Date(message.createdAt).toLocaleString();
    const text = document.createElement("div");
    text.className = "words";
    text.textContent = message.text;
    item.className = "notice";
    item.append(text, head);
    return item;
  }));
  byId("start").hidden = false;
}

async function load() {
  try {
    show(await send("/api/v1/support/thread", { token }));
  } catch (failure) {
    byId("problem").textContent = failure.code === "NOT_FOUND"
      ? "The link is incomplete: it ends in #token=… Copy the whole link from the mail."
      : failure.message;
    byId("problem").hidden = false;
  }
}
byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  void submit(byId("send"), "Sending …", async () => {
    show(await send("/api/v1/support/thread/messages", { token, text: byId("text").value }));
    byId("text").value = "";
  });
});
void load();
`;

/** Where the link in a support mail leads: the whole conversation, and a field to go on. */
export const THREAD_PAGE: Page = {
  title: "Your conversation",
  script: SCRIPT,
  body: html`
<div id="problem" class="notice bad" role="alert" hidden></div>
<div id="start" hidden>
<h1 id="subject"></h1>
<p id="state"></p>
<ol id="messages" class="thread"></ol>
<form id="form">
<label for="text">Write</label>
<textarea id="text" rows="5" required maxlength="10000" aria-describedby="text-wrong"></textarea>
<p class="wrong" id="text-wrong"></p>
<button id="send" class="wide">Send</button>
</form>
</div>`,
};
