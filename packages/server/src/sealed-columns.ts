import { accountTotp } from "./accounts/second-factor/tables.ts";
import { idempotentAnswerSeal } from "./edge/idempotency.ts";
import { endUserSigningKeySeal } from "./endusers/sessions/signing-keys.ts";
import { endUserSettingsSeal } from "./endusers/settings/settings.ts";
import { endUserTotp } from "./endusers/totp/second-factor.ts";
import { certificateKeySeal } from "./front-door/acme/certificates.ts";
import { acmeAccountSeal } from "./front-door/acme/order-certificate.ts";
import { platformKeySeal } from "./functions/platform-key.ts";
import { functionSecretSeal } from "./functions/secret-store.ts";
import { totpSealOf } from "./identity/totp/second-factors.ts";
import type { SealedColumn } from "./kernel/crypto/sealed-columns.ts";
import { installationKeySeal } from "./kernel/installation-key.ts";
import { outboxSeal } from "./kernel/messages/outbox.ts";
import { legalKeptBackSeal } from "./legal/holds.ts";
import { queueEndpointSeal } from "./queue/endpoints/service.ts";
import { s3KeySeal } from "./storage/access-keys/service.ts";
import { organisationSignOnSeal } from "./teams/single-sign-on/sign-on-settings.ts";

/** Everything that the master key seals in the control database: what must follow when it is turned over. */
export const sealedColumns: readonly SealedColumn[] = [
  installationKeySeal,
  functionSecretSeal,
  platformKeySeal,
  endUserSigningKeySeal,
  s3KeySeal,
  queueEndpointSeal,
  endUserSettingsSeal,
  totpSealOf(endUserTotp),
  totpSealOf(accountTotp),
  outboxSeal,
  idempotentAnswerSeal,
  organisationSignOnSeal,
  acmeAccountSeal,
  certificateKeySeal,
  legalKeptBackSeal,
];
