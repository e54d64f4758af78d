import { isIP } from "node:net";
import { createSecureContext, type SecureContext } from "node:tls";
import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import { createCachedLookup } from "../../kernel/change-feed/cached-lookup.ts";
import type { ChangeFeed } from "../../kernel/change-feed/change-feed.ts";
import type { Envelope } from "../../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../../kernel/crypto/sealed-columns.ts";
import type { Logger } from "../../kernel/log.ts";
import type { Sql } from "../../kernel/sql/index.ts";
import type { FrontDoorTables } from "../tables.ts";
import { readCertificate } from "../tls/certificate-names.ts";
import { TLS_FLOOR } from "../tls/tls-floor.ts";
import { acmeStore, type CertificateRow } from "./acme-store.ts";
import type { OrderCertificate } from "./order-certificate.ts";

export interface CertificateState {
  readonly hostname: string;
  /** `pending` until the first is there; `failing` when the last attempt failed and none is there that is still good. */
  readonly status: "pending" | "valid" | "failing";
  readonly notAfterMs: number | null;
  /** What the authority said at the last attempt, when it failed. */
  readonly lastError: string | null;
  /** When it is ordered or renewed next. */
  readonly nextAttemptAtMs: number;
}

/**
 * Responsible for certificates that an authority issues for hosts: obtains, renews, hands them to the TLS listener of
 * every server. Does not ask whose host it is: whoever calls `ensure` has made sure of that.
 */
export interface Certificates {
  /**
   * From now on the host is served with a certificate. Returns at once; the certificate follows.
   *
   * @throws VALIDATION_ERROR when the name cannot have one · ACME_NOT_CONFIGURED when the installation has no authority
   */
  ensure(hostname: string): Promise<CertificateState>;
  /** Null: nobody asked for it. */
  state(hostname: string): Promise<CertificateState | null>;
  list(): Promise<readonly CertificateState[]>;
  /** Tries again now, whatever failed before. */
  retry(hostname: string): Promise<void>;
  remove(hostname: string): Promise<void>;
  /** For the TLS listener. */
  contextFor(hostname: string): SecureContext | null | Promise<SecureContext | null>;
  /** What the authority wants to read of a token, or null. */
  answerChallenge(token: string): Promise<string | null>;
  /** Orders and renews what is due; every server may, one does. */
  work(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

export interface CertificatesOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly envelope: Envelope;
  /** Undefined: the installation has no authority. */
  readonly order: OrderCertificate | undefined;
  readonly log: Logger;
}

const MINUTE_MS = 60_000;
const WORK_INTERVAL_MS = MINUTE_MS;
/** Longer than an order takes; a server that dies in between leaves the host to others after it. */
const LEASE_MS = 10 * MINUTE_MS;
/** At first; authorities allow a few failures an hour, so each further wait is twice as long. */
const FIRST_RETRY_MS = 5 * MINUTE_MS;
const MAX_RETRY_MS = 24 * 60 * MINUTE_MS;
/** Of a certificate's life, after which it is renewed: a month before the end of one of three. */
const RENEW_AFTER = 2 / 3;
const BATCH = 10;
const MAX_ERROR_CHARACTERS = 500;
const HOSTNAME = /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
/** What an authority sends tokens as: base64url (RFC 8555, 8.3). */
const TOKEN = /^[\w-]{16,256}$/;

export function createCertificates(options: CertificatesOptions): Certificates {
  const { clock, changes, envelope, log } = options;
  const sql = options.sql.withTables<FrontDoorTables>();
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;

  const contexts = createCachedLookup<SecureContext>({
    clock,
    changes,
    async find(hostname) {
      const row = await acmeStore.findCertificate(sql.db, hostname);
      if (row === undefined || row.certificate === null || row.private_key === null) return null;
      const key = envelope.open(row.private_key, keyContext(hostname));
      const value = createSecureContext({ cert: row.certificate, key, ...TLS_FLOOR });
      return { value, expiresAtMs: null, subjects: [subjectOf(hostname)] };
    },
  });

  async function obtain(row: CertificateRow, order: OrderCertificate): Promise<void> {
    const { hostname } = row;
    try {
      const issued = await order(hostname);
      const { notBeforeMs, notAfterMs } = readCertificate(issued.certificate);
      const now = clock.now();
      const lifeMs = Math.max(notAfterMs - notBeforeMs, MINUTE_MS);
      await changes.commit(sql, [subjectOf(hostname)], (trx) =>
        acmeStore.update(trx, hostname, {
          certificate: issued.certificate,
          private_key: envelope.seal(issued.privateKey, keyContext(hostname)),
          not_after: notAfterMs,
          due_at: Math.max(now + MINUTE_MS, Math.round(notBeforeMs + lifeMs * RENEW_AFTER)),
          lease_until: 0,
          failures: 0,
          last_error: null,
          updated_at: now,
        }),
      );
      log.info({ hostname, notAfter: new Date(notAfterMs).toISOString() }, "certificate obtained");
    } catch (err) {
      const now = clock.now();
      const failures = row.failures + 1;
      const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS);
      const reason = err instanceof Error ? err.message : String(err);
      await acmeStore.update(sql.db, hostname, {
        due_at: now + waitMs,
        lease_until: 0,
        failures,
        last_error: reason.slice(0, MAX_ERROR_CHARACTERS),
        updated_at: now,
      });
      log.warn({ err, hostname, nextAttempt: new Date(now + waitMs).toISOString() }, "a certificate was not obtained");
    }
  }

  async function pass(order: OrderCertificate): Promise<void> {
    const now = clock.now();
    for (const row of await acmeStore.listDue(sql.db, now, BATCH)) {
      if (await acmeStore.lease(sql.db, row, now + LEASE_MS)) await obtain(row, order);
    }
  }

  function work(): Promise<void> {
    const { order } = options;
    if (order === undefined) return Promise.resolve();
    working ??= pass(order).finally(() => {
      working = undefined;
    });
    return working;
  }

  function workSoon(): void {
    if (timer === undefined) return;
    work().catch((err: unknown) => log.warn({ err }, "looking for certificates that are due failed"));
  }

  return {
    async ensure(name) {
      if (options.order === undefined) throw new AerostackError("ACME_NOT_CONFIGURED");
      const hostname = name.toLowerCase();
      if (!HOSTNAME.test(hostname) || isIP(hostname) !== 0) {
        throw new AerostackError("VALIDATION_ERROR", { message: "A certificate is issued for a full host name only." });
      }
      await acmeStore.insertCertificate(sql.db, hostname, clock.now());
      const row = await acmeStore.findCertificate(sql.db, hostname);
      workSoon();
      return stateOf(row ?? { ...EMPTY_ROW, hostname }, clock.now());
    },
    async state(hostname) {
      const row = await acmeStore.findCertificate(sql.db, hostname.toLowerCase());
      return row === undefined ? null : stateOf(row, clock.now());
    },
    async list() {
      const rows = await acmeStore.listCertificates(sql.db);
      return rows.map((row) => stateOf(row, clock.now()));
    },
    async retry(hostname) {
      await acmeStore.update(sql.db, hostname.toLowerCase(), { due_at: clock.now(), failures: 0 });
      workSoon();
    },
    async remove(name) {
      const hostname = name.toLowerCase();
      await changes.commit(sql, [subjectOf(hostname)], (trx) => acmeStore.removeCertificate(trx, hostname));
    },
    contextFor: (hostname) => contexts.find(hostname),
    async answerChallenge(token) {
      if (!TOKEN.test(token)) return null;
      return (await acmeStore.findChallenge(sql.db, token, clock.now())) ?? null;
    },
    work,
    start() {
      if (options.order === undefined) return;
      timer = setInterval(workSoon, WORK_INTERVAL_MS);
      timer.unref();
      workSoon();
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await working?.catch(() => undefined);
    },
  };
}

const EMPTY_ROW = { not_after: null, last_error: null, due_at: 0, certificate: null };

function stateOf(
  row: Pick<CertificateRow, "hostname" | "not_after" | "last_error" | "due_at" | "certificate">,
  nowMs: number,
): CertificateState {
  const isGood = row.certificate !== null && row.not_after !== null && row.not_after > nowMs;
  return {
    hostname: row.hostname,
    status: isGood ? "valid" : row.last_error === null ? "pending" : "failing",
    notAfterMs: row.not_after,
    lastError: row.last_error,
    nextAttemptAtMs: row.due_at,
  };
}

function subjectOf(hostname: string): string {
  return `certificate:${hostname}`;
}

/** Where the certificates' keys lie, for turning the master key over. */
export const certificateKeySeal: SealedColumn = {
  table: "acme_certificates",
  key: ["hostname"],
  column: "private_key",
  contextOf: ({ hostname = "" }) => keyContext(hostname),
};

function keyContext(hostname: string): string {
  return `certificate/${hostname}`;
}
