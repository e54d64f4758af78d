import { html } from "hono/html";

/**
 * `sendAsHuman()`: as `send()`, with the solution of the challenge, where the page has one. It is shown when the server asks
 * for it; each solution is good for one call.
 */
export const CHALLENGE_SCRIPT = `
const challengeScript = byId("challenge-script");
let solution;
let shownWidget;

/** Resolves when the widget is there; it calls back once the person has solved it. */
async function showChallenge(action) {
  if (!window.turnstile) {
    await new Promise((resolve, reject) => {
      challengeScript.addEventListener("load", resolve);
      challengeScript.addEventListener("error", () => reject(new Error("The challenge does not load. Is something blocking it?")));
    });
  }
  solution = undefined;
  if (shownWidget !== undefined) window.turnstile.remove(shownWidget);
  shownWidget = window.turnstile.render("#challenge", {
    sitekey: challengeScript.dataset.siteKey,
    action,
    callback: (token) => { solution = token; },
    "expired-callback": () => { solution = undefined; },
  });
}

async function sendAsHuman(action, path, body) {
  const turnstileToken = solution;
  solution = undefined;
  try {
    return await send(path, turnstileToken ? { ...body, turnstileToken } : body);
  } catch (failure) {
    if (failure.code !== "AUTH_CAPTCHA_FAILED" || !challengeScript) {
      if (shownWidget !== undefined) await showChallenge(action);
      throw failure;
    }
    await showChallenge(action);
    throw new Error("Show that you are a person, then try again.");
  }
}
`;

export const CHALLENGE_FIELD = html`<div id="challenge"></div>`;
