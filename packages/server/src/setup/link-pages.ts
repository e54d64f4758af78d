import type { LinkPageFacts } from "./link-page.ts";

/** Where links in mails to accounts lead that do one thing each. */
export const LINK_PAGES: readonly LinkPageFacts[] = [
  {
    path: "/verify-email",
    endpoint: "/api/auth/verify-email",
    title: "Confirm your e-mail address",
    text: "Only if it was you who signed up with it.",
    button: "Confirm the address",
    busy: "Confirming …",
    doneTitle: "The address is confirmed",
    doneText: "You can close this page.",
  },
  {
    path: "/confirm-email-change",
    endpoint: "/api/auth/email/change/confirm",
    title: "Confirm your new e-mail address",
    text: "Your account has this address from then on, and you log in with it.",
    button: "Confirm the address",
    busy: "Confirming …",
    doneTitle: "The address is changed",
    doneText: "Log in with it from now on. You can close this page.",
  },
  {
    path: "/stop-email-change",
    endpoint: "/api/auth/email/change/revoke",
    title: "Keep your e-mail address",
    text: "Your account keeps this address, or has it again. Every session ends, and the password counts no more: we send you a link for a new one.",
    button: "Keep this address",
    busy: "Stopping the change …",
    doneTitle: "Your account has this address",
    doneText: "Set a new password now: the link for it is in your mail.",
  },
  {
    path: "/reopen-account",
    endpoint: "/api/auth/account/reopen",
    title: "Reopen your account",
    text: "You get it back as it was, with its projects and keys.",
    button: "Reopen the account",
    busy: "Reopening …",
    doneTitle: "Your account is open again",
    doneText: "Log in as before. You can close this page.",
  },
];
