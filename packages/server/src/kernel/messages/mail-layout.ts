/** An e-mail in plain text. Every part of it may hold what people typed: the rendering escapes all of it. */
export interface MailContent {
  readonly subject: string;
  /** Paragraphs above what the message is about. */
  readonly before: readonly string[];
  /** A code to type in. */
  readonly code?: string;
  /** A short table, such as when and where something happened. */
  readonly facts?: readonly (readonly [label: string, value: string])[];
  /** A button, and in the text the address itself. */
  readonly action?: { readonly label: string; readonly url: string };
  readonly after: readonly string[];
}

/** What stands around every message of one sender. */
export interface MailFrame {
  /** BCP 47, such as `en`. */
  readonly language: string;
  /** The name at its head. */
  readonly sender: string;
  readonly footer?: readonly string[];
}

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Text and HTML of a message, from the same parts. */
export function renderMail(content: MailContent, frame: MailFrame): RenderedMail {
  if (content.action !== undefined) requireHarmlessAddress(content.action.url);
  return { subject: subjectLine(content.subject), text: renderText(content, frame), html: renderHtml(content, frame) };
}

function renderText({ before, code, facts = [], action, after }: MailContent, { footer = [] }: MailFrame): string {
  const parts = [
    ...before,
    ...(code === undefined ? [] : [code]),
    ...(facts.length === 0 ? [] : [facts.map(([label, value]) => `${label}: ${value}`).join("\n")]),
    ...(action === undefined ? [] : [action.url]),
    ...after,
    ...(footer.length === 0 ? [] : [`-- \n${footer.join("\n")}`]),
  ];
  return parts.join("\n\n");
}

const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const MONOSPACED = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace";

/** For programs that show mail in the dark; others keep what stands at the elements. */
const DARK = [
  ".page{background:#0e1014!important}",
  ".card{background:#171a20!important;border-color:#343a46!important}",
  ".ink{color:#e9ebef!important}",
  ".soft{color:#9da5b4!important}",
  ".code{background:#0f1116!important;border-color:#343a46!important;color:#e9ebef!important}",
  ".line{border-color:#343a46!important}",
].join("");

/** No picture and nothing to load: opening the message tells nobody anything. */
function renderHtml(content: MailContent, { language, sender, footer = [] }: MailFrame): string {
  const { subject, before, code, facts = [], action, after } = content;
  const rows = [
    ...before.map(paragraph),
    ...(code === undefined ? [] : [codeBlock(code)]),
    ...(facts.length === 0 ? [] : [factTable(facts)]),
    ...(action === undefined ? [] : [button(action.label, action.url)]),
    ...after.map(softParagraph),
  ];
  return `<!doctype html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(subjectLine(subject))}</title>
<style>:root{color-scheme:light dark}@media (prefers-color-scheme:dark){${DARK}}</style>
</head>
<body class="page" style="margin:0;padding:0;background:#f3f4f7">
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" style="background:#f3f4f7">
<tr><td align="center" style="padding:32px 16px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:520px;text-align:left;font-family:${FONT}">
<tr><td class="ink" style="padding:0 4px 16px;font-size:15px;font-weight:650;color:#16181d;overflow-wrap:anywhere">${escapeHtml(sender)}</td></tr>
<tr><td class="card" style="background:#ffffff;border:1px solid #d9dde4;border-radius:14px;padding:28px 28px 12px">
<h1 class="ink" style="margin:0 0 16px;font-size:20px;line-height:1.3;font-weight:650;color:#16181d;overflow-wrap:anywhere">${escapeHtml(subjectLine(subject))}</h1>
${rows.join("\n")}
</td></tr>
${footer.length === 0 ? "" : `<tr><td class="soft" style="padding:16px 4px 0;font-size:12px;line-height:1.5;color:#5b6270;overflow-wrap:anywhere">${footer.map(escapeHtml).join("<br>")}</td></tr>\n`}</table>
</td></tr>
</table>
</body>
</html>`;
}

function paragraph(text: string): string {
  return `<p class="ink" style="margin:0 0 16px;font-size:16px;line-height:1.5;color:#16181d;overflow-wrap:anywhere">${withLineBreaks(text)}</p>`;
}

function softParagraph(text: string): string {
  return `<p class="soft" style="margin:0 0 16px;font-size:14px;line-height:1.5;color:#5b6270;overflow-wrap:anywhere">${withLineBreaks(text)}</p>`;
}

function codeBlock(code: string): string {
  const style = `margin:0 0 16px;padding:14px;border:1px solid #d9dde4;border-radius:10px;background:#f3f4f7;color:#16181d;text-align:center;font:600 28px/1.2 ${MONOSPACED};letter-spacing:.2em`;
  return `<p class="code" style="${style}">${escapeHtml(code)}</p>`;
}

function factTable(facts: readonly (readonly [string, string])[]): string {
  const rows = facts.map(
    ([label, value]) =>
      `<tr><td class="soft line" style="padding:8px 16px 8px 0;border-top:1px solid #d9dde4;font-size:14px;line-height:1.4;color:#5b6270;vertical-align:top;white-space:nowrap">${escapeHtml(label)}</td>` +
      `<td class="ink line" style="padding:8px 0;border-top:1px solid #d9dde4;font-size:14px;line-height:1.4;color:#16181d;width:100%;overflow-wrap:anywhere">${escapeHtml(value)}</td></tr>`,
  );
  return `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="margin:0 0 20px">${rows.join("")}</table>`;
}

function button(label: string, url: string): string {
  const style =
    "display:inline-block;padding:12px 22px;border-radius:10px;background:#3451d1;color:#ffffff;font-size:16px;font-weight:600;text-decoration:none";
  return `<p style="margin:8px 0 24px"><a href="${escapeHtml(url)}" style="${style}">${escapeHtml(label)}</a></p>`;
}

function withLineBreaks(text: string): string {
  return escapeHtml(text).replaceAll("\n", "<br>");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** One line without control characters: a subject cannot begin another header. */
export function subjectLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must go
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
}

const RUNNING_SCHEMES: readonly string[] = ["javascript:", "data:", "vbscript:"];

/** A button never runs a script, whoever wrote its address. Applications have schemes of their own, so those pass. */
function requireHarmlessAddress(url: string): void {
  if (!URL.canParse(url) || RUNNING_SCHEMES.includes(new URL(url).protocol)) {
    throw new Error("a message links to an address that cannot be opened");
  }
}
