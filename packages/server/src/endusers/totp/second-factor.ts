import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { KnownNetworks } from "../../identity/known-networks.ts";
import {
  createSecondFactors as createFactors,
  type SecondFactors as Factors,
  type TotpPlace,
} from "../../identity/totp/second-factors.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { SettingsReader } from "../settings/settings.ts";
import type { EndUserTables } from "../tables.ts";
import type { EndUserRow } from "../users/store.ts";

/** The authenticator apps and recovery codes of a project's users, where the project offers them. */
export interface SecondFactors extends Omit<Factors, "begin"> {
  /** @throws AUTH_METHOD_DISABLED · CONFLICT when there is one already */
  begin(user: EndUserRow, appName: string): Promise<{ readonly secret: string; readonly otpauthUrl: string }>;
}

export interface SecondFactorsOptions {
  readonly sql: Sql<EndUserTables>;
  readonly clock: Clock;
  readonly envelope: Envelope;
  readonly settings: SettingsReader;
  readonly knownNetworks: KnownNetworks;
  readonly recoveryKey: Uint8Array;
}

export const endUserTotp: TotpPlace = {
  tables: { totp: "end_user_totp", recoveryCodes: "end_user_recovery_codes" },
  sealContext: "end-user-totp",
};

export function createSecondFactors(options: SecondFactorsOptions): SecondFactors {
  const { sql, clock, envelope, settings, knownNetworks, recoveryKey } = options;
  const untyped = sql.withTables<unknown>();
  const factors = createFactors({ sql: untyped, clock, envelope, place: endUserTotp, knownNetworks, recoveryKey });
  return {
    ...factors,
    async begin(user, appName) {
      if (!(await settings.of(user.project_id)).totp.enabled) throw new AerostackError("AUTH_METHOD_DISABLED");
      return await factors.begin({
        realm: { project_id: user.project_id },
        userId: user.id,
        label: user.email ?? user.phone ?? user.id,
        issuer: appName,
      });
    },
  };
}
