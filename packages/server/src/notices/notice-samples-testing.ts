// For tests only: facts for every template, so that each text is rendered whole.
import type { NoticeFacts, NoticeTemplate } from "./templates.ts";

export const SAMPLE_INSTALLATION = { product: "Aerostack", origin: "https://aerostack.test" };

const link = "https://aerostack.test/verify-email#token=av_sample";
const at = new Date(Date.UTC(2026, 5, 1, 9, 30));
const happened = { at, device: "Firefox on Linux", ip: "203.0.113.7", region: "DE" };

export const NOTICE_SAMPLES: { readonly [Template in NoticeTemplate]: NoticeFacts[Template] } = {
  "verify-email": { link, hours: 24 },
  "account-exists": { link },
  "reset-password": { link, minutes: 60 },
  otp: { code: "104293", minutes: 10 },
  "email-change-requested": { link, newEmail: "ada@new.example", days: 7 },
  "email-change-confirm": { link, hours: 24 },
  "email-changed": { ...happened, oldEmail: "ada@old.example", newEmail: "ada@new.example" },
  "email-change-stopped": { ...happened, sessions: 2, keys: 1, passkeys: null, logIns: 1, authenticators: null },
  invitation: { link, inviter: "Ada Lovelace", organisation: "Analytical Engines", role: "developer", days: 7 },
  receipt: { number: "2026-0042", description: "Pro, one month", amount: "USD 49.00", paidAt: at },
  "new-device": happened,
  "refresh-reuse": happened,
  "password-changed": happened,
  "key-leaked": { keyName: "Build server", keyPrefix: "ak_9f3k2m", reporter: "GitHub secret scanning", at },
  "domain-proof-missing": {
    hostname: "shop.example.com",
    project: "Shop",
    record: "_aerostack-challenge.shop.example.com",
    suspendedOn: new Date(Date.UTC(2026, 6, 1)),
  },
  "domain-suspended": {
    hostname: "shop.example.com",
    project: "Shop",
    record: "_aerostack-challenge.shop.example.com",
  },
  "second-factor-on": happened,
  "second-factor-off": happened,
  "passkey-added": { ...happened, passkeyName: "Ada's phone" },
  "passkey-removed": { ...happened, passkeyName: "Ada's phone" },
  "login-linked": { ...happened, provider: "GitHub" },
  "login-unlinked": { ...happened, provider: "GitHub" },
  "account-closed": { link, deletedOn: new Date(Date.UTC(2026, 6, 1)) },
  "account-reopened": happened,
  blocked: {
    what: "the project 'Shop'",
    block: "blk_01jx0sample",
    since: at,
    until: new Date(Date.UTC(2026, 6, 1)),
    reason: "It sends mail to people who did not ask for it.",
    contact: "https://aerostack.test/contact",
  },
  "legal-hold": {
    what: "your account",
    message: "A court has ordered us to keep what is stored of it until the end of the year.",
    contact: "https://aerostack.test/contact",
  },
  unblocked: { what: "the project 'Shop'", block: "blk_01jx0sample" },
  "support-message": { topic: "privacy", subject: "A copy of my data", from: "ada@example.com" },
  "organisation-without-owner": { organisation: "Analytical Engines", organisationId: "org_01engines" },
  "policy-change": {
    document: "privacy policy",
    version: "3",
    effectiveOn: new Date(Date.UTC(2026, 6, 1)),
    summary: "We keep request logs for 60 days instead of 90, and name a new provider for sending e-mail.",
  },
};

export const ALL_TEMPLATES = Object.keys(NOTICE_SAMPLES) as readonly NoticeTemplate[];
