import { randomBytes } from "node:crypto";
import { html, raw } from "hono/html";

export type Markup = ReturnType<typeof html>;

export interface HostedPage {
  readonly title: string;
  readonly appName: string;
  readonly body: Markup;
  /** Finds elements by id and writes text only. */
  readonly script: string;
}

const STYLE = `
:root{color-scheme:light dark;--ink:#16181d;--soft:#5b6270;--line:#d9dde4;--page:#f3f4f7;--card:#fff;--accent:#3451d1;--on-accent:#fff;--bad:#b42318}
@media (prefers-color-scheme:dark){:root{--ink:#e9ebef;--soft:#9da5b4;--line:#343a46;--page:#0e1014;--card:#171a20;--accent:#8ea6ff;--on-accent:#10131c;--bad:#ff8a80}}
*{box-sizing:border-box}
[hidden]{display:none!important}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px 16px;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{width:100%;max-width:440px;background:var(--card);border:1px solid var(--line);border-radius:16px;padding:32px}
h1{font-size:22px;line-height:1.25;margin:0 0 8px}
p{margin:0 0 16px;color:var(--soft)}
label{display:block;font-weight:550;font-size:14px;margin:16px 0 6px}
input{width:100%;font:inherit;color:inherit;background:transparent;border:1px solid var(--line);border-radius:10px;padding:10px 12px;min-height:44px}
button{width:100%;margin-top:20px;font:inherit;font-weight:600;border-radius:10px;min-height:44px;border:0;background:var(--accent);color:var(--on-accent);cursor:pointer}
button[disabled]{opacity:.6}
a,input,button{outline-offset:2px}
#problem{color:var(--bad);margin:16px 0 0}
`;

const NONCE_BYTES = 16;

/** Answers a page that loads nothing from anywhere: its style and script stand in it, admitted by a nonce. */
export async function respondWithHostedPage({ title, appName, body, script }: HostedPage): Promise<Response> {
  const nonce = randomBytes(NONCE_BYTES).toString("base64");
  const page = await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>${title} · ${appName}</title>
<link rel="icon" href="data:,">
<style nonce="${nonce}">${raw(STYLE)}</style>
</head>
<body>
<main>
<noscript><p>This page needs JavaScript.</p></noscript>
${body}
<p id="problem" role="alert" hidden></p>
</main>
<script nonce="${nonce}" type="module">${raw(script)}</script>
</body>
</html>`;
  return new Response(String(page), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; connect-src 'self'; img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'`,
    },
  });
}
