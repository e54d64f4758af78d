/** What each message to an account says of its own: the only facts that its texts may name. */
export interface NoticeFacts {
  readonly "verify-email": Link & Hours;
  /** Somebody signed up with the address of an account. */
  readonly "account-exists": Link;
  readonly "reset-password": Link & Minutes;
  readonly otp: { readonly code: string } & Minutes;
  /** To the address that an account has. */
  readonly "email-change-requested": Link & { readonly newEmail: string; readonly days: number };
  /** To the address that it is to have. */
  readonly "email-change-confirm": Link & Hours;
  readonly "email-changed": Happened & { readonly oldEmail: string; readonly newEmail: string };
  /** What was taken from whoever had asked for another address; null: there was none. */
  readonly "email-change-stopped": Happened & {
    readonly sessions: number | null;
    readonly keys: number | null;
    readonly passkeys: number | null;
    readonly logIns: number | null;
    readonly authenticators: number | null;
  };
  readonly invitation: Link & {
    readonly inviter: string;
    readonly organisation: string;
    readonly role: string;
    readonly days: number;
  };
  readonly receipt: {
    readonly number: string;
    readonly description: string;
    /** As a person reads it, with its currency. */
    readonly amount: string;
    readonly paidAt: Date;
  };
  readonly "new-device": Happened;
  readonly "refresh-reuse": Happened;
  readonly "password-changed": Happened;
  readonly "key-leaked": {
    readonly keyName: string;
    /** The key's first characters. */
    readonly keyPrefix: string;
    /** Who found it. */
    readonly reporter: string;
    readonly at: Date;
  };
  /** To whoever owns a project whose domain cannot be proven any more. */
  readonly "domain-proof-missing": {
    readonly hostname: string;
    readonly project: string;
    /** The record that is to be in the DNS. */
    readonly record: string;
    readonly suspendedOn: Date;
  };
  readonly "domain-suspended": { readonly hostname: string; readonly project: string; readonly record: string };
  readonly "second-factor-on": Happened;
  readonly "second-factor-off": Happened;
  readonly "passkey-added": Happened & { readonly passkeyName: string };
  readonly "passkey-removed": Happened & { readonly passkeyName: string };
  readonly "login-linked": Happened & { readonly provider: string };
  readonly "login-unlinked": Happened & { readonly provider: string };
  readonly "account-closed": Link & { readonly deletedOn: Date };
  readonly "account-reopened": Happened;
  /** An operator keeps an account out, or one of its projects or organisations. */
  readonly blocked: {
    /** Such as `your account`, or `the project 'Shop'`. */
    readonly what: string;
    readonly block: string;
    readonly since: Date;
    /** As a phrase where it has no end of its own. */
    readonly until: Date | string;
    /** Null: it is not for those who are blocked. */
    readonly reason: string | null;
    /** Where to object. */
    readonly contact: string;
  };
  /** What an operator allows to be told of a legal hold. */
  readonly "legal-hold": { readonly what: string; readonly message: string; readonly contact: string };
  readonly unblocked: { readonly what: string; readonly block: string };
  /** To operators: its last owner's account has ended. */
  readonly "organisation-without-owner": { readonly organisation: string; readonly organisationId: string };
  /** To operators: somebody waits for an answer. */
  readonly "support-message": { readonly topic: string; readonly subject: string; readonly from: string };
  readonly "policy-change": {
    readonly document: string;
    readonly version: string;
    readonly effectiveOn: Date;
    readonly summary: string;
  };
}

interface Link {
  /** An address of this installation; it may hold a token, so it is in the mail and nowhere else. */
  readonly link: string;
}

interface Hours {
  readonly hours: number;
}

interface Minutes {
  readonly minutes: number;
}

/** When, with what and from where something was done. */
export interface Happened {
  readonly at: Date;
  /** Such as `Firefox on Linux`. */
  readonly device: string;
  readonly ip: string;
  /** Such as `DE`; null when it is not known. */
  readonly region: string | null;
}

export type NoticeTemplate = keyof NoticeFacts;

interface TemplateRules {
  readonly severity: "info" | "warning" | "critical";
  /** False: only a mail, because it proves an address or its receiver need not have an account. */
  readonly inDashboard: boolean;
  /** The page of the dashboard that it leads to. */
  readonly page?: string;
  /** How long the mail is worth sending. */
  readonly usefulForMs: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

const SECURITY_PAGE = "/account/security";
const alert = {
  severity: "warning",
  inDashboard: true,
  page: SECURITY_PAGE,
  usefulForMs: 7 * DAY_MS,
} as const satisfies TemplateRules;

export const NOTICE_TEMPLATES: Readonly<Record<NoticeTemplate, TemplateRules>> = {
  "verify-email": { severity: "info", inDashboard: false, usefulForMs: DAY_MS },
  "account-exists": { severity: "info", inDashboard: false, usefulForMs: DAY_MS },
  "reset-password": { severity: "info", inDashboard: false, usefulForMs: 60 * MINUTE_MS },
  otp: { severity: "info", inDashboard: false, usefulForMs: 10 * MINUTE_MS },
  "email-change-requested": { severity: "warning", inDashboard: false, usefulForMs: 7 * DAY_MS },
  "email-change-confirm": { severity: "info", inDashboard: false, usefulForMs: DAY_MS },
  "email-changed": alert,
  "email-change-stopped": alert,
  invitation: { severity: "info", inDashboard: true, page: "/invitations", usefulForMs: 7 * DAY_MS },
  receipt: { severity: "info", inDashboard: true, page: "/billing", usefulForMs: 7 * DAY_MS },
  "new-device": alert,
  "refresh-reuse": { ...alert, severity: "critical" },
  "password-changed": alert,
  "key-leaked": { ...alert, severity: "critical", page: "/account/keys" },
  "domain-proof-missing": { ...alert, page: "/projects" },
  "domain-suspended": { ...alert, severity: "critical", page: "/projects" },
  "second-factor-on": { ...alert, severity: "info" },
  "second-factor-off": alert,
  "passkey-added": alert,
  "passkey-removed": alert,
  "login-linked": alert,
  "login-unlinked": alert,
  "account-closed": { severity: "warning", inDashboard: false, usefulForMs: 7 * DAY_MS },
  "account-reopened": alert,
  blocked: { severity: "critical", inDashboard: true, page: "/support", usefulForMs: 7 * DAY_MS },
  "legal-hold": { severity: "warning", inDashboard: true, page: "/legal", usefulForMs: 7 * DAY_MS },
  unblocked: { severity: "info", inDashboard: true, page: "/projects", usefulForMs: 7 * DAY_MS },
  "support-message": { severity: "info", inDashboard: true, page: "/support", usefulForMs: 3 * DAY_MS },
  "organisation-without-owner": {
    severity: "warning",
    inDashboard: true,
    page: "/admin/organisations",
    usefulForMs: 7 * DAY_MS,
  },
  "policy-change": { severity: "info", inDashboard: true, page: "/legal", usefulForMs: 14 * DAY_MS },
};
