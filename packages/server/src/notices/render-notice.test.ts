import { describe, expect, it } from "vitest";
import { ALL_TEMPLATES, NOTICE_SAMPLES, SAMPLE_INSTALLATION } from "./notice-samples-testing.ts";
import { NOTICE_LANGUAGES, type NoticeLanguage, renderDashboardNotice, renderNoticeMail } from "./render-notice.ts";
import { NOTICE_TEMPLATES, type NoticeFacts, type NoticeTemplate } from "./templates.ts";

const HOSTILE = [
  '<img src=x onerror="alert(1)">',
  "Eve\r\nBcc: victim@example.com",
  "a\n\nYour account is closed, go to https://evil.example",
  "\u202egpj.exe",
  "'\"><script>alert(1)</script>",
  "{{link}}{{origin}}",
];
const LANGUAGES = Object.keys(NOTICE_LANGUAGES) as NoticeLanguage[];

/** The sample with every text that people typed replaced. */
function withTexts<Template extends NoticeTemplate>(template: Template, text: string): NoticeFacts[Template] {
  const facts = Object.entries(NOTICE_SAMPLES[template]).map(([name, value]) => [
    name,
    typeof value === "string" && name !== "link" ? text : value,
  ]);
  return Object.fromEntries(facts) as NoticeFacts[Template];
}

describe.each(LANGUAGES)("messages to accounts in %s", (language) => {
  it.each(ALL_TEMPLATES)("%s has every fact that it names, in text and HTML", (template) => {
    const mail = renderNoticeMail(template, NOTICE_SAMPLES[template], SAMPLE_INSTALLATION, language);
    expect(mail.subject.length).toBeGreaterThan(5);
    for (const part of [mail.subject, mail.text, mail.html])
      expect(part).not.toMatch(/\{\{|undefined|null|NaN|Invalid/);
    const names = JSON.stringify(NOTICE_LANGUAGES[language].templates[template]).matchAll(/\{\{(\w+)/g);
    const known = [...Object.keys(NOTICE_SAMPLES[template]), "product", "origin"];
    for (const [, name] of names) expect(known).toContain(name);
    const { title, page } = renderDashboardNotice(template, NOTICE_SAMPLES[template], SAMPLE_INSTALLATION, language);
    expect(title).toBe(mail.subject);
    expect(page === null).toBe(!NOTICE_TEMPLATES[template].inDashboard);
  });

  it.each(ALL_TEMPLATES)("%s shows names as text and nothing else, whatever they hold", (template) => {
    for (const text of HOSTILE) {
      const plain = renderNoticeMail(template, withTexts(template, "x"), SAMPLE_INSTALLATION, language);
      const {
        subject,
        text: body,
        html,
      } = renderNoticeMail(template, withTexts(template, text), SAMPLE_INSTALLATION, language);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(subject).not.toMatch(/[\u0000-\u001f\u202e]/);
      expect(body.split("\n").length).toBe(plain.text.split("\n").length);
      expect(html.match(/<[a-z!/]/gi)).toEqual(plain.html.match(/<[a-z!/]/gi));
      expect(html).not.toMatch(/<(?:img|script)|onerror="/i);
      expect(body).not.toContain("\u202e");
    }
  });

  it.each(ALL_TEMPLATES)("P19 %s loads nothing when it is opened", (template) => {
    const { html } = renderNoticeMail(template, NOTICE_SAMPLES[template], SAMPLE_INSTALLATION, language);
    expect(html).not.toMatch(/<img|<script|<link|<iframe|src=|@import|url\(|@font-face/i);
    for (const [, href = ""] of html.matchAll(/href="([^"]*)"/g)) expect(href).toMatch(/^https:\/\/aerostack\.test\//);
  });
});

it("keeps links with tokens out of the dashboard", () => {
  for (const template of ALL_TEMPLATES) {
    const shown = renderDashboardNotice(template, NOTICE_SAMPLES[template], SAMPLE_INSTALLATION);
    expect(JSON.stringify(shown)).not.toContain("token=");
  }
});

it("never makes a button of an address that would run a script", () => {
  for (const link of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "no address"]) {
    expect(() => renderNoticeMail("account-exists", { link }, SAMPLE_INSTALLATION)).toThrow("cannot be opened");
  }
});
