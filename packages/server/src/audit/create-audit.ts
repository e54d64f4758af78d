import type { Clock } from "@aerostack/kernel";
import { everyHour } from "../kernel/every-hour.ts";
import type { Lifecycle } from "../kernel/lifecycle.ts";
import type { Logger } from "../kernel/log.ts";
import type { SigningKey } from "../kernel/secrets.ts";
import type { Sql } from "../kernel/sql/index.ts";
import { createAuditChain } from "./chain.ts";
import { createCheckpointSigner } from "./checkpoint.ts";
import type { SecretMask } from "./mask-secrets.ts";
import { createAuditReader } from "./read.ts";
import { createAuditRecorder } from "./record.ts";
import { type KnownEnd, verifyChain } from "./verify.ts";

/** Entries that come together are chained together. */
const SEAL_AFTER_MS = 250;

export interface CreateAuditOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  readonly signingKeys: readonly [SigningKey, ...SigningKey[]];
  readonly mask: SecretMask;
}

/**
 * The audit log: who did what to what, from where, when. Entries are written with their change and chained soon after.
 * Never changes or removes an entry.
 */
export function createAudit({ sql, clock, log, lifecycle, signingKeys, mask }: CreateAuditOptions) {
  const signer = createCheckpointSigner(signingKeys);
  const chain = createAuditChain({ sql, clock, signer });
  let timer: NodeJS.Timeout | undefined;

  function sealSoon(): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      chain.extend().catch((err: unknown) => log.error({ err }, "the audit log's newest entries were not chained"));
    }, SEAL_AFTER_MS).unref();
  }

  const recorder = createAuditRecorder({ sql, clock, mask, onEntry: sealSoon });
  // What a server that died had written and not chained.
  const housekeeping = everyHour("chaining the audit log", chain.extend, log);
  lifecycle.onClose("audit log", async () => {
    housekeeping.stop();
    clearTimeout(timer);
    timer = undefined;
    await chain.extend();
  });

  return {
    record: recorder.record,
    ...createAuditReader(sql),
    extendChain: chain.extend,
    verify: (knownEnd?: KnownEnd) => verifyChain({ sql, clock, signer, knownEnd }),
  };
}

export type AuditLog = ReturnType<typeof createAudit>;
