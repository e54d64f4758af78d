import { AerostackError, type DomainRoute } from "@aerostack/contracts";
import { type Clock, createId } from "@aerostack/kernel";
import type { NewAuditEntry } from "../audit/entry.ts";
import type { Audit } from "../audit/record.ts";
import type { ChangeFeed } from "../kernel/change-feed/change-feed.ts";
import type { Limiter } from "../kernel/limiter/limiter.ts";
import { requireAllowed } from "../kernel/limiter/require-allowed.ts";
import type { Logger } from "../kernel/log.ts";
import { type Page, type PageRequest, toPage } from "../kernel/page.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { DomainCertificate, DomainCertificates } from "./certificates.ts";
import { isBelow, normaliseHostname } from "./hostname.ts";
import { type DomainRow, domainStore } from "./store.ts";
import type { DomainTables } from "./tables.ts";
import { createProofToken, type TxtProof } from "./txt-proof.ts";

/**
 * Responsible for which domains a project's functions answer under: a domain is served for the project that proved it and
 * for no other, and nobody learns whose it is. Never takes a request's word for what its host is: what is not proven is
 * not served.
 */
export interface DomainService {
  /** @throws VALIDATION_ERROR · CONFLICT when the project has it already, or too many */
  add(projectId: string, input: DomainInput & { readonly hostname: string }): Promise<DomainRow>;
  list(projectId: string, page: PageRequest): Promise<Page<DomainRow>>;
  /** @throws NOT_FOUND */
  get(projectId: string, idOrHostname: string): Promise<DomainRow>;
  /** @throws NOT_FOUND */
  change(projectId: string, idOrHostname: string, input: Partial<DomainInput>): Promise<DomainRow>;
  /**
   * Looks for the proof now, and serves the domain when it is there.
   *
   * @throws DOMAIN_NOT_PROVEN · DOMAIN_TAKEN, told to nobody without a proof · SERVICE_UNAVAILABLE when the DNS does not
   *   answer · RATE_LIMIT_EXCEEDED
   */
  verify(projectId: string, idOrHostname: string): Promise<DomainRow>;
  /** Served no more within a second. @throws NOT_FOUND */
  remove(projectId: string, idOrHostname: string): Promise<DomainRow>;
  removeOfProject(projectId: string): Promise<void>;
  /** Null: it is not served, or somebody else makes its certificate. */
  certificateOf(domain: DomainRow): Promise<DomainCertificate | null>;
  /** Looks again whether proofs are still there, and suspends domains whose proof has been gone for seven days. */
  recheck(): Promise<void>;
}

export interface DomainInput {
  readonly routes: readonly DomainRoute[];
  readonly servesApi: boolean;
}

export interface DomainServiceOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly changes: ChangeFeed;
  readonly limiter: Limiter;
  readonly audit: Audit;
  readonly proof: TxtProof;
  readonly certificates: DomainCertificates | null;
  readonly log: Logger;
  /** Domains of the installation itself: neither they nor anything below them can be claimed. */
  readonly ownDomains: readonly string[];
  /** Told when a served domain's proof is gone for the first time, and when the domain is suspended. */
  readonly onTrouble?: (domain: DomainRow, what: "proof missing" | "suspended") => Promise<void>;
}

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
export const GRACE_MS = 7 * DAY_MS;
const CHECK_AFTER_MS = DAY_MS;
/** While something is wrong. */
const CHECK_SOON_AFTER_MS = HOUR_MS - 60_000;
const FORGOTTEN_AFTER_MS = 30 * DAY_MS;
const MAX_DOMAINS = 100;
const CHECKS_AT_ONCE = 10;
const CHECKS_A_RUN = 1_000;
/** Each asks name servers that the caller chose. */
const VERIFY_POLICY = { limit: 30, windowMs: 60_000 };

export function subjectOfDomain(hostname: string): string {
  return `domain:${hostname}`;
}

export function createDomainService(options: DomainServiceOptions): DomainService {
  const { clock, changes, audit, proof, certificates, log } = options;
  const sql = options.sql.withTables<DomainTables>();

  async function require(projectId: string, idOrHostname: string): Promise<DomainRow> {
    const row = await domainStore.findOfProject(sql.db, projectId, spellingOf(idOrHostname));
    if (row === undefined) throw new AerostackError("NOT_FOUND", { message: "The project has no such domain." });
    return row;
  }

  function checkOwn(hostname: string): void {
    if (!options.ownDomains.some((domain) => isBelow(hostname, domain))) return;
    const message = "This name belongs to the installation itself.";
    throw new AerostackError("VALIDATION_ERROR", { message, details: { fieldErrors: { hostname: [message] } } });
  }

  /** Serves a domain whose proof was just seen. */
  async function activate(row: DomainRow): Promise<DomainRow> {
    const now = clock.now();
    const values = {
      status: "active",
      verified_at: row.status === "active" ? row.verified_at : now,
      updated_at: now,
      last_checked_at: now,
      next_check_at: now + CHECK_AFTER_MS,
      proof_missing_since: null,
    } as const;
    await changes.commit(sql, [subjectOfDomain(row.hostname)], async (trx) => {
      const holder = await domainStore.findServed(trx, row.hostname);
      if (holder !== undefined && holder.id !== row.id) throw new AerostackError("DOMAIN_TAKEN");
      if (!(await domainStore.update(trx, row.id, values))) throw new AerostackError("NOT_FOUND");
      if (row.status !== "active") await audit.record(trx, entryOf("domain.verified", row));
    });
    await certificates?.ensure(row.hostname);
    return { ...row, ...values };
  }

  async function noteMissing(row: DomainRow): Promise<void> {
    const now = clock.now();
    const since = row.proof_missing_since ?? now;
    if (now - since < GRACE_MS) {
      const values = { last_checked_at: now, proof_missing_since: since };
      await domainStore.update(sql.db, row.id, values, "active");
      if (row.proof_missing_since === null) await options.onTrouble?.({ ...row, ...values }, "proof missing");
      return;
    }
    const values = { status: "suspended", last_checked_at: now, next_check_at: null, updated_at: now } as const;
    const suspended = await changes.commit(sql, [subjectOfDomain(row.hostname)], async (trx) => {
      if (!(await domainStore.update(trx, row.id, values, "active"))) return false;
      await audit.record(trx, entryOf("domain.suspended", row));
      return true;
    });
    if (!suspended) return;
    await certificates?.remove(row.hostname);
    log.warn({ projectId: row.project_id, hostname: row.hostname }, "a domain was suspended: its proof is gone");
    await options.onTrouble?.({ ...row, ...values }, "suspended");
  }

  async function recheckOne(row: DomainRow): Promise<void> {
    if (!(await domainStore.claimCheck(sql.db, row, clock.now() + CHECK_SOON_AFTER_MS))) return;
    const state = await proof.check(row.hostname, row.token);
    if (state === "missing") return await noteMissing(row);
    // Name servers that do not answer prove nothing: neither that the proof is gone, nor that it is there.
    if (state === "unknown") return;
    const now = clock.now();
    const values = { last_checked_at: now, next_check_at: now + CHECK_AFTER_MS, proof_missing_since: null };
    await domainStore.update(sql.db, row.id, values, "active");
    // It may not have been asked for, when the server stopped in between.
    await certificates?.ensure(row.hostname);
  }

  return {
    async add(projectId, { hostname: text, routes, servesApi }) {
      const hostname = normaliseHostname(text);
      checkOwn(hostname);
      if ((await domainStore.count(sql.db, projectId)) >= MAX_DOMAINS) {
        throw new AerostackError("CONFLICT", {
          message: `A project has at most ${MAX_DOMAINS} domains.`,
          fix: "Remove those that are not used any more.",
        });
      }
      const now = clock.now();
      const row: DomainRow = {
        id: createId("dom", now),
        project_id: projectId,
        hostname,
        token: createProofToken(),
        status: "pending",
        routes: JSON.stringify(routes),
        serves_api: servesApi ? 1 : 0,
        created_at: now,
        updated_at: now,
        verified_at: null,
        last_checked_at: null,
        next_check_at: null,
        proof_missing_since: null,
      };
      await sql.transaction(async (trx) => {
        if (!(await domainStore.insert(trx, row))) {
          throw new AerostackError("CONFLICT", { message: "The project has this domain already." });
        }
        await audit.record(trx, { ...entryOf("domain.added", row), after: { hostname, routes, servesApi } });
      });
      return row;
    },

    async list(projectId, page) {
      return toPage(await domainStore.list(sql.db, projectId, page), page.limit);
    },

    get: require,

    async change(projectId, idOrHostname, { routes, servesApi }) {
      const row = await require(projectId, idOrHostname);
      const values = {
        ...(routes === undefined ? {} : { routes: JSON.stringify(routes) }),
        ...(servesApi === undefined ? {} : { serves_api: servesApi ? 1 : 0 }),
        updated_at: clock.now(),
      };
      const changed = { ...row, ...values };
      await changes.commit(sql, [subjectOfDomain(row.hostname)], async (trx) => {
        await domainStore.update(trx, row.id, values);
        await audit.record(trx, { ...entryOf("domain.changed", row), before: leads(row), after: leads(changed) });
      });
      return changed;
    },

    async verify(projectId, idOrHostname) {
      const row = await require(projectId, idOrHostname);
      checkOwn(row.hostname);
      await requireAllowed(options.limiter, `domains:verify:${projectId}`, VERIFY_POLICY);
      const state = await proof.check(row.hostname, row.token);
      if (state === "proven") return await activate(row);
      await domainStore.update(sql.db, row.id, { last_checked_at: clock.now() });
      if (state === "missing") throw new AerostackError("DOMAIN_NOT_PROVEN");
      throw new AerostackError("SERVICE_UNAVAILABLE", {
        message: "The domain's name servers did not answer, so nothing can be said of the proof.",
        fix: "Check that the domain's name servers answer, and verify again.",
        retryAfterSeconds: 10,
      });
    },

    async remove(projectId, idOrHostname) {
      const row = await require(projectId, idOrHostname);
      await changes.commit(sql, [subjectOfDomain(row.hostname)], async (trx) => {
        if (await domainStore.remove(trx, projectId, row.id)) await audit.record(trx, entryOf("domain.removed", row));
      });
      if (row.status === "active") await certificates?.remove(row.hostname);
      return row;
    },

    async removeOfProject(projectId) {
      const rows = await domainStore.listOfProject(sql.db, projectId);
      if (rows.length === 0) return;
      const subjects = rows.map(({ hostname }) => subjectOfDomain(hostname));
      await changes.commit(sql, subjects, (trx) => domainStore.removeOfProject(trx, projectId));
      for (const { hostname, status } of rows) if (status === "active") await certificates?.remove(hostname);
    },

    async certificateOf({ status, hostname }) {
      return status === "active" && certificates !== null ? await certificates.state(hostname) : null;
    },

    async recheck() {
      const now = clock.now();
      await domainStore.removeForgotten(sql.db, now - FORGOTTEN_AFTER_MS);
      for (let done = 0; done < CHECKS_A_RUN; done += CHECKS_AT_ONCE) {
        const due = await domainStore.listDue(sql.db, now, CHECKS_AT_ONCE);
        await Promise.all(due.map(recheckOne));
        if (due.length < CHECKS_AT_ONCE) return;
      }
    },
  };
}

function entryOf(action: string, row: DomainRow): NewAuditEntry {
  const target = { kind: "domain", id: row.id };
  return { action, target, projectId: row.project_id, after: { hostname: row.hostname } };
}

/** Where a domain leads, as the audit log shows it. */
function leads(row: DomainRow) {
  return { hostname: row.hostname, routes: JSON.parse(row.routes), servesApi: row.serves_api === 1 };
}

/** What stands in an address may be an id or a name in any spelling; what is neither finds nothing. */
function spellingOf(idOrHostname: string): string {
  if (idOrHostname.startsWith("dom_")) return idOrHostname;
  try {
    return normaliseHostname(idOrHostname);
  } catch {
    return "";
  }
}
