import { AerostackError, type EndUserSettings } from "@aerostack/contracts";
import type { SettingsSecrets } from "./settings-secrets.ts";

type Check = readonly [
  field: string,
  isWrong: (settings: EndUserSettings, secrets: SettingsSecrets) => boolean,
  text: string,
];

const CHECKS: readonly Check[] = [
  [
    "mail.from",
    ({ mail }) => ["smtp", "resend"].includes(mail.sender) && mail.from === null,
    "is needed for an own sender",
  ],
  ["mail.smtp", ({ mail }) => mail.sender === "smtp" && mail.smtp === null, "is needed for the sender smtp"],
  [
    "mail.smtp.password",
    ({ mail }, secrets) => mail.smtp?.user != null && secrets["mail.smtp.password"] === undefined,
    "is needed beside a user name",
  ],
  [
    "mail.resend.apiKey",
    ({ mail }, secrets) => mail.sender === "resend" && secrets["mail.resend.apiKey"] === undefined,
    "is needed for the sender resend",
  ],
  [
    "turnstile.secretKey",
    ({ turnstile }, secrets) => turnstile.enabled && secrets["turnstile.secretKey"] === undefined,
    "is needed for Turnstile",
  ],
  ["sms.twilio", ({ sms }) => sms.sender === "twilio" && sms.twilio === null, "is needed for the sender twilio"],
  [
    "sms.twilio.authToken",
    ({ sms }, secrets) => sms.sender === "twilio" && secrets["sms.twilio.authToken"] === undefined,
    "is needed for the sender twilio",
  ],
];

/** What one part of the settings asks of another. @throws VALIDATION_ERROR naming everything that is missing */
export function checkSettings(settings: EndUserSettings, secrets: SettingsSecrets): void {
  const wrong = CHECKS.filter(([, isWrong]) => isWrong(settings, secrets));
  for (const id of Object.keys(settings.providers)) {
    const field = `providers.${id}.clientSecret`;
    if (secrets[field] === undefined) wrong.push([field, () => true, "is needed"]);
  }
  const [first] = wrong;
  if (first === undefined) return;
  throw new AerostackError("VALIDATION_ERROR", {
    message: `The settings are not complete: ${first[0]} ${first[2]}.`,
    details: { fieldErrors: Object.fromEntries(wrong.map(([field, , text]) => [field, [text]])) },
  });
}
