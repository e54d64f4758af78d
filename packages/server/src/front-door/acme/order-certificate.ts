import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { FrontDoorTables } from "../tables.ts";
import { acmeStore } from "./acme-store.ts";

/** A certificate as the authority gave it, and the key that was made for it. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export type OrderCertificate = (hostname: string) => Promise<IssuedCertificate>;

export interface OrderCertificateOptions {
  readonly sql: Sql<unknown>;
  readonly envelope: Envelope;
  readonly now: () => number;
  readonly directoryUrl: string;
  /** Whom the authority writes to before a certificate ends. */
  readonly email: string | undefined;
  /** First wait between two questions whether an order is ready. */
  readonly pollMs?: number;
}

const POLL_MS = 2_000;
const MAX_POLL_MS = 15_000;
const POLLS = 12;
/** Longer than an authority takes to look; what is forgotten in the table ends by itself. */
const CHALLENGE_TTL_MS = 60 * 60_000;

/**
 * Obtains certificates by ACME (RFC 8555), proving each host by HTTP-01. The account's key is made once, sealed, and shared
 * by all servers. The library is loaded when the first certificate is ordered.
 */
export function createOrderCertificate(options: OrderCertificateOptions): OrderCertificate {
  const sql = options.sql.withTables<FrontDoorTables>();
  const { directoryUrl, envelope, now } = options;

  async function account(createKey: () => Promise<Buffer>): Promise<{ key: string; url: string | undefined }> {
    const found = await acmeStore.findAccount(sql.db, directoryUrl);
    if (found !== undefined) {
      const key = envelope.open(found.private_key, accountContext(directoryUrl));
      return { key, url: found.account_url ?? undefined };
    }
    const key = (await createKey()).toString();
    const sealed = envelope.seal(key, accountContext(directoryUrl));
    const row = { directory_url: directoryUrl, account_url: null, private_key: sealed, created_at: now() };
    await acmeStore.insertAccount(sql.db, row);
    return await account(createKey);
  }

  return async function orderCertificate(hostname) {
    const { default: acme } = await import("acme-client");
    const { key, url } = await account(() => acme.crypto.createPrivateEcdsaKey());
    const client = new acme.Client({
      directoryUrl,
      accountKey: key,
      ...(url === undefined ? {} : { accountUrl: url }),
      backoffAttempts: POLLS,
      backoffMin: options.pollMs ?? POLL_MS,
      backoffMax: MAX_POLL_MS,
    });
    if (url === undefined) {
      const contact = options.email === undefined ? {} : { contact: [`mailto:${options.email}`] };
      await client.createAccount({ termsOfServiceAgreed: true, ...contact });
      await acmeStore.setAccountUrl(sql.db, directoryUrl, client.getAccountUrl());
    }
    const [privateKey, csr] = await acme.crypto.createCsr(
      { altNames: [hostname] },
      await acme.crypto.createPrivateEcdsaKey(),
    );
    const certificate = await client.auto({
      csr,
      termsOfServiceAgreed: true,
      challengePriority: ["http-01"],
      // Whether we can reach ourselves by that name says nothing of whether the authority can.
      skipChallengeVerification: true,
      async challengeCreateFn(_authorization, { token }, keyAuthorization) {
        const row = { token, key_authorization: keyAuthorization, expires_at: now() + CHALLENGE_TTL_MS };
        await acmeStore.putChallenge(sql.db, row, now());
      },
      challengeRemoveFn: (_authorization, { token }) => acmeStore.removeChallenge(sql.db, token),
    });
    return { certificate, privateKey: privateKey.toString() };
  };
}

/** Where the accounts' keys lie, for turning the master key over. */
export const acmeAccountSeal: SealedColumn = {
  table: "acme_accounts",
  key: ["directory_url"],
  column: "private_key",
  contextOf: ({ directory_url: directoryUrl = "" }) => accountContext(directoryUrl),
};

function accountContext(directoryUrl: string): string {
  return `acme-account/${directoryUrl}`;
}
