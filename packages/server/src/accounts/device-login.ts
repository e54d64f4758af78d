import { randomInt } from "node:crypto";
import { AerostackError } from "@aerostack/contracts";
import { type Clock, randomText } from "@aerostack/kernel";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import { limitKeyOfAddress } from "../kernel/limiter/address-key.ts";
import type { Limiter, LimitPolicy } from "../kernel/limiter/limiter.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { AccountKeyService } from "./account-keys.ts";
import { deviceStore } from "./device-store.ts";
import type { AccountTables } from "./tables.ts";

/**
 * Log-in for programs that have no browser of their own (RFC 8628): the program shows a code, a person approves it in any
 * browser, and the program receives an account key.
 */
export interface DeviceLogins {
  start(clientId: string, clientAddress: string): Promise<StartedDeviceLogin>;
  /** @throws NOT_FOUND when the code is unknown, expired or decided already. */
  decide(accountId: string, userCode: string, approve: boolean): Promise<void>;
  /** Asked by the program again and again; the key is handed out once. */
  poll(deviceCode: string, clientId: string): Promise<DevicePoll>;
}

export interface StartedDeviceLogin {
  readonly deviceCode: string;
  /** In the form `BCDF-GHJK`. */
  readonly userCode: string;
  readonly expiresInSeconds: number;
  readonly intervalSeconds: number;
}

/** Error codes are those of RFC 8628, section 3.5. */
export type DevicePoll =
  | { readonly state: "approved"; readonly accountId: string; readonly apiKey: string }
  | { readonly state: "authorization_pending" | "slow_down" | "expired_token" | "access_denied" };

const LIFETIME_MS = 10 * 60_000;
const INTERVAL_MS = 5_000;
const SLOW_DOWN_MS = 5_000;
/** Without vowels, so that no words come about, and without letters that are read as digits. */
const USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const USER_CODE_CHARACTERS = 8;
const DEVICE_CODE_CHARACTERS = 50;
const STARTS_PER_ADDRESS: LimitPolicy = { limit: 10, windowMs: 60_000 };
/** Whoever is logged in could otherwise try codes of others. */
const DECISIONS_PER_ACCOUNT: LimitPolicy = { limit: 10, windowMs: 60_000 };

export interface DeviceLoginsOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly limiter: Limiter;
  readonly accountKeys: AccountKeyService;
}

export function createDeviceLogins({ sql: untyped, clock, limiter, accountKeys }: DeviceLoginsOptions): DeviceLogins {
  const sql = untyped.withTables<AccountTables>();

  async function limit(key: string, policy: LimitPolicy): Promise<void> {
    const decision = await limiter.take(key, policy);
    if (!decision.allowed) {
      throw new AerostackError("RATE_LIMIT_EXCEEDED", { retryAfterSeconds: decision.retryAfterSeconds });
    }
  }

  return {
    async start(clientId, clientAddress) {
      await limit(`device:address:${limitKeyOfAddress(clientAddress)}`, STARTS_PER_ADDRESS);
      const now = clock.now();
      await deviceStore.removeExpired(sql.db, now);
      const deviceCode = randomText(DEVICE_CODE_CHARACTERS);
      const userCode = newUserCode();
      await deviceStore.insert(sql.db, {
        device_hash: hashToken(deviceCode),
        user_code_hash: hashToken(userCode),
        client_id: clientId,
        status: "pending",
        account_id: null,
        created_at: now,
        expires_at: now + LIFETIME_MS,
        interval_ms: INTERVAL_MS,
        next_poll_at: now,
      });
      return {
        deviceCode,
        userCode: `${userCode.slice(0, 4)}-${userCode.slice(4)}`,
        expiresInSeconds: LIFETIME_MS / 1_000,
        intervalSeconds: INTERVAL_MS / 1_000,
      };
    },

    async decide(accountId, userCode, approve) {
      await limit(`device:account:${accountId}`, DECISIONS_PER_ACCOUNT);
      const code = userCode.toUpperCase().replace(/[^A-Z]/g, "");
      const decided = await deviceStore.decide(sql.db, hashToken(code), {
        status: approve ? "approved" : "denied",
        accountId,
        nowMs: clock.now(),
      });
      if (!decided) {
        throw new AerostackError("NOT_FOUND", {
          message: "This code is not known or has expired.",
          fix: "Check its letters, or start the log-in again to get a new one.",
        });
      }
    },

    async poll(deviceCode, clientId) {
      const now = clock.now();
      const hash = hashToken(deviceCode);
      const login = await deviceStore.find(sql.db, hash);
      if (login === undefined || login.client_id !== clientId || login.expires_at <= now)
        return { state: "expired_token" };
      if (login.status === "denied") return { state: "access_denied" };
      if (login.status === "approved") {
        const accountId = await deviceStore.takeApproved(sql.db, hash);
        if (accountId === undefined) return { state: "expired_token" };
        const name = `${clientId}, ${new Date(now).toISOString().slice(0, 10)}`;
        const { secret } = await accountKeys.create(accountId, { name });
        return { state: "approved", accountId, apiKey: secret };
      }
      const tooSoon = now < login.next_poll_at;
      const intervalMs = login.interval_ms + (tooSoon ? SLOW_DOWN_MS : 0);
      await deviceStore.schedule(sql.db, hash, intervalMs, now + intervalMs);
      return { state: tooSoon ? "slow_down" : "authorization_pending" };
    },
  };
}

function newUserCode(): string {
  let code = "";
  for (let i = 0; i < USER_CODE_CHARACTERS; i++) code += USER_CODE_LETTERS.charAt(randomInt(USER_CODE_LETTERS.length));
  return code;
}
