import { createKnownNetworksTable, type KnownNetworkRow } from "../../identity/known-networks.ts";
import type { TotpPlace } from "../../identity/totp/second-factors.ts";
import type { RecoveryCodeRow, TotpRow } from "../../identity/totp/totp-store.ts";
import type { SqlMigrations } from "../../kernel/sql/index.ts";

/** In both `user_id` is the account's. */
export type AccountFactorTables = {
  account_totp: TotpRow;
  account_recovery_codes: RecoveryCodeRow;
  account_known_networks: KnownNetworkRow;
};

export const accountTotp: TotpPlace = {
  tables: { totp: "account_totp", recoveryCodes: "account_recovery_codes" },
  sealContext: "account-totp",
};

export const accountFactorMigrations: SqlMigrations = {
  "0025_account_second_factors": {
    async up(db, types) {
      await db.schema
        .createTable("account_totp")
        .addColumn("user_id", types.text, (column) => column.primaryKey().references("accounts.id").onDelete("cascade"))
        .addColumn("secret", types.text, (column) => column.notNull())
        .addColumn("confirmed_at", types.integer)
        .addColumn("last_step", types.integer, (column) => column.notNull())
        .addColumn("failures", types.integer, (column) => column.notNull())
        .addColumn("window_started_at", types.integer, (column) => column.notNull())
        .addColumn("locked_until", types.integer, (column) => column.notNull())
        .addColumn("created_at", types.integer, (column) => column.notNull())
        .execute();
      await db.schema
        .createTable("account_recovery_codes")
        .addColumn("hash", types.text, (column) => column.primaryKey())
        .addColumn("user_id", types.text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
        .execute();
      await db.schema
        .createIndex("account_recovery_codes_user")
        .on("account_recovery_codes")
        .column("user_id")
        .execute();
    },
  },
  "0063_account_known_networks": {
    async up(db, types) {
      await createKnownNetworksTable(db, types, "account_known_networks", "accounts.id");
    },
  },
};
