import { ageReportMigrations } from "./accounts/age-reports/tables.ts";
import { consentMigrations } from "./accounts/consents/tables.ts";
import { pictureMigrations } from "./accounts/pictures/tables.ts";
import { accountFactorMigrations } from "./accounts/second-factor/tables.ts";
import { accountMigrations } from "./accounts/tables.ts";
import { wayInMigrations } from "./accounts/ways-in/tables.ts";
import { auditMigrations } from "./audit/tables.ts";
import { domainMigrations } from "./domains/tables.ts";
import { idempotencyMigrations } from "./edge/idempotency-tables.ts";
import { endUserMigrations } from "./endusers/tables.ts";
import { frontDoorMigrations } from "./front-door/tables.ts";
import { functionMigrations } from "./functions/tables.ts";
import { changeFeedMigrations } from "./kernel/change-feed/tables.ts";
import { installationKeyMigrations } from "./kernel/installation-key.ts";
import { outboxMigrations } from "./kernel/messages/tables.ts";
import type { DatabaseMigrations } from "./kernel/open-databases.ts";
import { projectKeyMigrations } from "./keys/tables.ts";
import { legalMigrations } from "./legal/tables.ts";
import { logMigrations } from "./logs/tables.ts";
import { noticeMigrations } from "./notices/tables.ts";
import { planMigrations } from "./plans/tables.ts";
import { projectMigrations } from "./projects/tables.ts";
import { queueEndpointMigrations } from "./queue/endpoints/tables.ts";
import { realtimeMigrations } from "./realtime/tables.ts";
import { storageMigrations } from "./storage/tables.ts";
import { supportMigrations } from "./support/tables.ts";
import { signOnMigrations } from "./teams/single-sign-on/tables.ts";
import { teamMigrations } from "./teams/tables.ts";

/** Every capability's migrations; their names carry the order. */
export const migrations: DatabaseMigrations = {
  control: {
    ...changeFeedMigrations,
    ...installationKeyMigrations,
    ...accountMigrations,
    ...accountFactorMigrations,
    ...consentMigrations,
    ...ageReportMigrations,
    ...wayInMigrations,
    ...pictureMigrations,
    ...noticeMigrations,
    ...projectMigrations,
    ...planMigrations,
    ...projectKeyMigrations,
    ...idempotencyMigrations,
    ...frontDoorMigrations,
    ...functionMigrations,
    ...realtimeMigrations,
    ...outboxMigrations,
    ...endUserMigrations,
    ...storageMigrations,
    ...queueEndpointMigrations,
    ...auditMigrations,
    ...teamMigrations,
    ...signOnMigrations,
    ...domainMigrations,
    ...supportMigrations,
    ...legalMigrations,
  },
  logs: logMigrations,
};
