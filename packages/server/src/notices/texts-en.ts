import type { NoticeTexts } from "./notice-text.ts";

const IGNORE = "If you did not ask for this, do nothing; nothing happens without it.";
const NOT_YOU =
  "If this was not you, set a new password now and end all other sessions. Both are on the security page of your account.";
const HAPPENED = [
  ["When", "{{at}}"],
  ["Device", "{{device}}"],
  ["Address", "{{ip}}"],
  ["Region", "{{region}}"],
] as const;
const REVIEW = "Review security";

export const ENGLISH: NoticeTexts = {
  footer: ["{{product}} at {{origin}}", "A message about an account, not an advertisement."],
  templates: {
    "verify-email": {
      subject: "Confirm your e-mail address",
      before: ["Somebody signed up to {{product}} with this address. Was it you? Then confirm it."],
      action: "Confirm the address",
      after: ["The link works once, for {{hours}} hours.", IGNORE],
    },
    "account-exists": {
      subject: "You have an account already",
      before: [
        "Somebody tried to sign up to {{product}} with this address, which has an account.",
        "Was it you? Then log in, or ask for a new password.",
      ],
      action: "Go to {{product}}",
      after: ["If it was not you, there is nothing to do: nothing has changed."],
    },
    "reset-password": {
      subject: "Set a new password",
      before: ["You asked for a new password for your account with {{product}}."],
      action: "Set a new password",
      after: ["The link works once, for {{minutes}} minutes. It ends all sessions of the account.", IGNORE],
    },
    otp: {
      subject: "{{code}} is your code",
      before: ["Your code for {{product}}:"],
      showsCode: true,
      after: [
        "It works once, for {{minutes}} minutes. Give it to nobody, whoever asks.",
        "If you did not ask for it, somebody may know your password: set a new one.",
      ],
    },
    "email-change-requested": {
      subject: "Your account is to have another e-mail address",
      before: [
        "Your account is to have the address {{newEmail}} instead of this one, as soon as that one confirms it.",
      ],
      action: "Keep this address",
      after: [
        "If you asked for this, there is nothing to do.",
        "If you did not, somebody knows your password. The link stops the change, or takes it back for {{days}} days, and ends all sessions.",
      ],
    },
    "email-change-confirm": {
      subject: "Confirm your new e-mail address",
      before: ["An account with {{product}} is to have this address. It changes when you confirm."],
      action: "Confirm the address",
      after: ["The link works once, for {{hours}} hours.", IGNORE],
    },
    "email-changed": {
      subject: "Your e-mail address was changed",
      before: ["Your account's address is {{newEmail}} now; it was {{oldEmail}}."],
      facts: HAPPENED,
      action: REVIEW,
      after: ["If this was not you, write to the people who run {{product}} at once."],
    },
    "email-change-stopped": {
      subject: "Your account has its e-mail address again",
      before: [
        "The change of your e-mail address was stopped with the link that we had sent here. Whoever asked for it is logged out, and what came to your account since was removed.",
      ],
      facts: [
        ...HAPPENED,
        ["Sessions ended", "{{sessions}}"],
        ["Keys revoked", "{{keys}}"],
        ["Passkeys removed", "{{passkeys}}"],
        ["Linked log-ins removed", "{{logIns}}"],
        ["Authenticator apps removed", "{{authenticators}}"],
      ],
      action: REVIEW,
      after: ["Your old password counts no more: set a new one with the link in the next message."],
    },
    invitation: {
      subject: "{{inviter}} invites you to {{organisation}}",
      before: ["{{inviter}} invites you to work with {{organisation}} on {{product}}, as {{role}}."],
      action: "See the invitation",
      after: ["The invitation is good for {{days}} days. If you do not know who this is, do nothing."],
    },
    receipt: {
      subject: "Receipt {{number}}",
      before: ["Thank you. We have received your payment."],
      facts: [
        ["Receipt", "{{number}}"],
        ["For", "{{description}}"],
        ["Amount", "{{amount}}"],
        ["Paid on", "{{paidAt|date}}"],
      ],
      action: "See your invoices",
      after: [],
    },
    "new-device": {
      subject: "A log-in from a new device",
      before: ["Somebody logged in to your account from a device that we have not seen before."],
      facts: HAPPENED,
      action: REVIEW,
      after: ["If this was you, there is nothing to do.", NOT_YOU],
    },
    "refresh-reuse": {
      subject: "A session was ended for your safety",
      before: [
        "A token of one of your sessions was used twice, which happens when somebody has a copy of it. We ended that session for everybody.",
      ],
      facts: HAPPENED,
      action: REVIEW,
      after: [
        "You may have to log in again. If you cannot explain it, set a new password, and look through the programs and browsers that you are logged in with.",
      ],
    },
    "password-changed": {
      subject: "Your password was changed",
      before: ["Your account has a new password, and all other sessions were ended."],
      facts: HAPPENED,
      action: REVIEW,
      after: [
        "If this was you, there is nothing to do.",
        "If this was not you, ask for a new password at once, at {{origin}}.",
      ],
    },
    "key-leaked": {
      subject: "A key of yours was found in public",
      before: ["We revoked the key, so that nobody can use it. Whatever used it has stopped working."],
      facts: [
        ["Key", "{{keyName}}"],
        ["Begins with", "{{keyPrefix}}"],
        ["Found by", "{{reporter}}"],
        ["When", "{{at}}"],
      ],
      action: "See your keys",
      after: ["Make a new key, and look through the audit log for what the old one was used for."],
    },
    "domain-proof-missing": {
      subject: "The proof of {{hostname}} is missing",
      before: [
        "The record that proves that this domain is yours was not found in its DNS. It is still served, until {{suspendedOn}}.",
      ],
      facts: [
        ["Domain", "{{hostname}}"],
        ["Project", "{{project}}"],
        ["TXT record", "{{record}}"],
      ],
      action: "See your projects",
      after: ["Put the record back, and nothing else is to be done. The project's list of domains shows its value."],
    },
    "domain-suspended": {
      subject: "{{hostname}} is not served any more",
      before: ["Its proof has been missing from the DNS for seven days."],
      facts: [
        ["Domain", "{{hostname}}"],
        ["Project", "{{project}}"],
        ["TXT record", "{{record}}"],
      ],
      action: "See your projects",
      after: ["Put the record back and verify the domain; it is served again at once."],
    },
    "second-factor-on": {
      subject: "Log-in in two steps is on",
      before: ["Your account now asks for a code of your authenticator app at log-in."],
      facts: HAPPENED,
      action: REVIEW,
      after: [NOT_YOU],
    },
    "second-factor-off": {
      subject: "Log-in in two steps is off",
      before: ["Your account does not ask for a code of your authenticator app any more."],
      facts: HAPPENED,
      action: REVIEW,
      after: ["If this was you, there is nothing to do.", NOT_YOU],
    },
    "passkey-added": {
      subject: "A passkey was added",
      before: ["Your account has a new passkey, {{passkeyName}}. Whoever holds it can log in with it."],
      facts: HAPPENED,
      action: REVIEW,
      after: ["If this was you, there is nothing to do.", NOT_YOU],
    },
    "passkey-removed": {
      subject: "A passkey was removed",
      before: ["The passkey {{passkeyName}} of your account does not log in any more."],
      facts: HAPPENED,
      action: REVIEW,
      after: ["If this was you, there is nothing to do.", NOT_YOU],
    },
    "login-linked": {
      subject: "Log-in with {{provider}} is on",
      before: ["Your account can be opened by logging in with {{provider}} now."],
      facts: HAPPENED,
      action: REVIEW,
      after: ["If this was you, there is nothing to do.", NOT_YOU],
    },
    "login-unlinked": {
      subject: "Log-in with {{provider}} is off",
      before: ["Your account cannot be opened by logging in with {{provider}} any more."],
      facts: HAPPENED,
      action: REVIEW,
      after: ["If this was you, there is nothing to do.", NOT_YOU],
    },
    "account-closed": {
      subject: "Your account is closed",
      before: [
        "Nobody can log in to it, its keys do not work, and the projects that nobody else has a part in have stopped. On {{deletedOn|date}} everything in it is deleted for good.",
        "Until then you can have it back as it was.",
      ],
      action: "Reopen the account",
      after: ["If you closed it yourself, there is nothing to do."],
    },
    "account-reopened": {
      subject: "Your account is open again",
      before: ["Your account was reopened with everything that was in it. Nothing is deleted."],
      facts: HAPPENED,
      action: REVIEW,
      after: [NOT_YOU],
    },
    blocked: {
      subject: "Blocked by the people who run {{product}}",
      before: ["The people who run {{product}} have blocked {{what}}. Nothing in it was deleted."],
      facts: [
        ["Since", "{{since}}"],
        ["Until", "{{until}}"],
        ["Reason", "{{reason}}"],
        ["Reference", "{{block}}"],
      ],
      after: [
        "If you think that this is wrong, or want to know more, write to {{contact}} and name the reference. Somebody reads it and decides again.",
      ],
    },
    "legal-hold": {
      subject: "About a lawful request",
      before: ["This is about {{what}}.", "{{message}}"],
      after: ["Questions about it go to {{contact}}."],
    },
    unblocked: {
      subject: "Not blocked any more",
      before: [
        "The people who run {{product}} have lifted the block of {{what}} ({{block}}). It works again as before.",
      ],
      action: "See your projects",
      after: [],
    },
    "support-message": {
      subject: "Somebody waits for an answer",
      before: ["{{from}} wrote to you."],
      facts: [
        ["About", "{{topic}}"],
        ["Subject", "{{subject}}"],
      ],
      action: "Read and answer",
      after: [],
    },
    "organisation-without-owner": {
      subject: "{{organisation}} has no owner any more",
      before: [
        "The account of the last owner of {{organisation}} has ended. Its members go on as they are; nobody became an owner unasked.",
      ],
      facts: [["Organisation", "{{organisationId}}"]],
      action: "Appoint an owner",
      after: ["You get this because you run {{product}}."],
    },
    "policy-change": {
      subject: "Our {{document}} changes on {{effectiveOn|date}}",
      before: ["{{summary}}"],
      facts: [
        ["Document", "{{document}}"],
        ["Version", "{{version}}"],
        ["In effect from", "{{effectiveOn|date}}"],
      ],
      action: "Read the new version",
      after: ["If you do not agree, you can close your account before that day."],
    },
  },
};
