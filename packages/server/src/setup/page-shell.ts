import { randomBytes } from "node:crypto";
import type { Context, Env } from "hono";
import { html, raw } from "hono/html";

export type Markup = ReturnType<typeof html>;

export interface Page {
  readonly title: string;
  readonly body: Markup;
  /** Runs after the page is read; it finds elements by id and writes text only. */
  readonly script?: string;
}

/** A challenge that a page may have to show: the only thing on it that comes from somebody else. */
export interface PageChallenge {
  readonly siteKey: string;
  readonly scriptUrl: string;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#16181d;--soft:#5b6270;--line:#d9dde4;--page:#f3f4f7;--card:#fff;--field:#fff;--accent:#3451d1;--on-accent:#fff;--bad:#b42318;--code:#f3f4f7}
@media (prefers-color-scheme:dark){:root{--ink:#e9ebef;--soft:#9da5b4;--line:#343a46;--page:#0e1014;--card:#171a20;--field:#0f1116;--accent:#8ea6ff;--on-accent:#10131c;--bad:#ff8a80;--code:#0f1116}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px 16px;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{width:100%;max-width:480px;background:var(--card);border:1px solid var(--line);border-radius:16px;padding:32px}
.brand{display:flex;align-items:center;gap:10px;font-weight:650;margin:0 0 24px}
.brand svg{width:24px;height:24px;color:var(--accent)}
h1{font-size:24px;line-height:1.25;margin:0 0 8px;letter-spacing:-.01em}
h2{font-size:15px;margin:24px 0 6px}
p{margin:0 0 16px;color:var(--soft)}
label{display:block;font-weight:550;font-size:14px;margin:16px 0 6px}
label .soft{font-weight:400}
.soft{color:var(--soft)}
input:not([type=checkbox]),select,textarea{width:100%;font:inherit;color:inherit;background:var(--field);border:1px solid var(--line);border-radius:10px;padding:10px 12px;min-height:44px}
textarea{resize:vertical}
.thread{list-style:none;margin:0;padding:0}
.words{white-space:pre-wrap;overflow-wrap:anywhere}
input:focus-visible,select:focus-visible,textarea:focus-visible,button:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
[aria-invalid=true]{border-color:var(--bad)}
.hint,.wrong{font-size:13px;margin:6px 0 0}
.wrong{color:var(--bad)}
.wrong:empty{display:none}
.notice.below{margin-top:20px}
.check{display:flex;gap:10px;align-items:flex-start;font-weight:400;margin:20px 0 0}
.check input{width:18px;height:18px;margin:3px 0 0;flex:none;accent-color:var(--accent)}
button{font:inherit;font-weight:600;border-radius:10px;min-height:44px;padding:10px 18px;border:1px solid transparent;background:var(--accent);color:var(--on-accent);cursor:pointer}
button[disabled]{opacity:.6;cursor:progress}
button.plain{background:transparent;color:var(--ink);border-color:var(--line)}
.wide{width:100%;margin-top:24px}
.actions{display:grid;grid-template-columns:2fr 1fr;gap:10px;margin-top:24px}
.copy{display:flex;border:1px solid var(--line);border-radius:10px;background:var(--code);align-items:stretch;overflow:hidden}
.copy code{flex:1;min-width:0;padding:11px 12px;font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.copy button{border-radius:0;border:0;border-left:1px solid var(--line);background:transparent;color:var(--accent);min-width:78px;padding:8px 10px;font-size:14px}
.copy:has(input){background:var(--field)}
.copy:has([aria-invalid=true]){border-color:var(--bad)}
.copy input.bare{border:0!important;border-radius:0;background:transparent}
input.code{font:600 20px/1.2 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace!important;letter-spacing:.12em;text-transform:uppercase}
.notice{border:1px solid var(--line);border-radius:10px;padding:12px 14px;margin:0 0 16px;color:var(--ink);font-size:14px}
.notice.bad{border-color:var(--bad)}
a{color:var(--accent)}
@media (max-width:480px){body{padding:0;place-items:stretch;background:var(--card)}main{border:0;border-radius:0;padding:24px 16px 40px}}
`;

const ICON =
  '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linejoin="round" aria-hidden="true"><path d="M12 3 21 8l-9 5-9-5z"/><path d="m3 12.5 9 5 9-5M3 17l9 5 9-5"/></svg>';

const NONCE_BYTES = 16;

/** Answers a page that loads nothing from anywhere: its style and script stand in it, admitted by a nonce. */
export function respondWithPage<E extends Env>(
  c: Context<E>,
  { title, body, script }: Page,
  challenge?: PageChallenge,
): Response | Promise<Response> {
  const nonce = randomBytes(NONCE_BYTES).toString("base64");
  const foreign = challenge === undefined ? "" : ` ${new URL(challenge.scriptUrl).origin}`;
  c.header(
    "content-security-policy",
    `default-src 'none'; script-src 'nonce-${nonce}'${foreign};${foreign && ` frame-src${foreign};`} style-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
  );
  c.header("cache-control", "no-store");
  return c.html(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Aerostack</title>
<link rel="icon" href="data:,">
${challenge === undefined ? "" : html`<script id="challenge-script" nonce="${nonce}" src="${challenge.scriptUrl}?render=explicit" data-site-key="${challenge.siteKey}" async></script>`}
<style nonce="${nonce}">${raw(STYLE)}</style>
</head>
<body>
<main>
<div class="brand">${raw(ICON)}Aerostack</div>
<noscript><div class="notice bad">This page needs JavaScript. The same can be done over the API: see <a href="/api/docs">its reference</a>.</div></noscript>
${body}
</main>
${script === undefined ? "" : html`<script nonce="${nonce}" type="module">${raw(script)}</script>`}
</body>
</html>`);
}
