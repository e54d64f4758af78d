import { AerostackError } from "@aerostack/contracts";
import type { Clock } from "@aerostack/kernel";
import type { Envelope } from "../kernel/crypto/envelope.ts";
import type { SealedColumn } from "../kernel/crypto/sealed-columns.ts";
import { hashToken } from "../kernel/crypto/token-hash.ts";
import type { Sql } from "../kernel/sql/index.ts";
import type { Principal } from "../keys/principal.ts";
import type { IdempotencyTables } from "./idempotency-tables.ts";

export interface IdempotentCall {
  /** The `Idempotency-Key` header. */
  readonly key: string;
  readonly principal: Principal;
  /** Method and path: the same key at another address is another call. */
  readonly operation: string;
  /** The JSON body, to notice a key that is used again for something else. */
  readonly input: unknown;
}

/** Runs the work of a call once and answers its repeats with what the first answered. */
export interface Idempotency {
  /** @throws IDEMPOTENCY_KEY_REUSED · IDEMPOTENCY_IN_PROGRESS · VALIDATION_ERROR for a key that is too long */
  once(call: IdempotentCall, work: () => Promise<Response>): Promise<Response>;
}

const KEPT_MS = 24 * 60 * 60_000;
/** A call that has not ended by then died with its server. */
const ABANDONED_AFTER_MS = 2 * 60_000;
const MAX_KEY_CHARACTERS = 255;

interface StoredAnswer {
  readonly status: number;
  readonly body: string;
}

export interface IdempotencyOptions {
  readonly sql: Sql<unknown>;
  readonly clock: Clock;
  /** Answers may hold a key that is shown once, so they are encrypted. */
  readonly envelope: Envelope;
}

export function createIdempotency({ sql: untyped, clock, envelope }: IdempotencyOptions): Idempotency {
  const sql = untyped.withTables<IdempotencyTables>();

  /** The stored row when there is one; undefined when this call is the first and holds the place now. */
  async function takePlace(id: string, fingerprint: string) {
    const now = clock.now();
    return await sql.transaction(async (trx) => {
      await trx
        .deleteFrom("idempotent_calls")
        .where((eb) =>
          eb.or([
            eb("created_at", "<", now - KEPT_MS),
            eb.and([eb("id", "=", id), eb("answer", "is", null), eb("created_at", "<", now - ABANDONED_AFTER_MS)]),
          ]),
        )
        .execute();
      const inserted = await trx
        .insertInto("idempotent_calls")
        .values({ id, fingerprint, answer: null, created_at: now })
        .onConflict((conflict) => conflict.column("id").doNothing())
        .returning("id")
        .executeTakeFirst();
      if (inserted !== undefined) return undefined;
      return await trx.selectFrom("idempotent_calls").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
    });
  }

  async function givePlaceBack(id: string): Promise<void> {
    await sql.db.deleteFrom("idempotent_calls").where("id", "=", id).execute();
  }

  return {
    async once(call, work) {
      if (call.key.length > MAX_KEY_CHARACTERS) {
        throw new AerostackError("VALIDATION_ERROR", {
          message: `An Idempotency-Key has at most ${MAX_KEY_CHARACTERS} characters.`,
        });
      }
      const id = hashToken(JSON.stringify([subjectOf(call.principal), call.operation, call.key]));
      const fingerprint = hashToken(JSON.stringify(call.input ?? null));
      const stored = await takePlace(id, fingerprint);
      if (stored !== undefined) {
        if (stored.fingerprint !== fingerprint) throw new AerostackError("IDEMPOTENCY_KEY_REUSED");
        if (stored.answer === null) throw new AerostackError("IDEMPOTENCY_IN_PROGRESS", { retryAfterSeconds: 1 });
        return replay(JSON.parse(envelope.open(stored.answer, contextOf(id))) as StoredAnswer);
      }
      let response: Response;
      try {
        response = await work();
      } catch (error) {
        // Nothing was done, so a repeat may try again.
        await givePlaceBack(id);
        throw error;
      }
      const answer: StoredAnswer = { status: response.status, body: await response.clone().text() };
      await sql.db
        .updateTable("idempotent_calls")
        .set({ answer: envelope.seal(JSON.stringify(answer), contextOf(id)) })
        .where("id", "=", id)
        .execute();
      return response;
    },
  };
}

function subjectOf(principal: Principal): string {
  return principal.kind === "account" ? principal.accountId : principal.projectId;
}

export const idempotentAnswerSeal: SealedColumn = {
  table: "idempotent_calls",
  key: ["id"],
  column: "answer",
  contextOf: ({ id = "" }) => contextOf(id),
};

function contextOf(id: string): string {
  return `idempotent-call/${id}`;
}

function replay({ status, body }: StoredAnswer): Response {
  return new Response(body, {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", "idempotency-replayed": "true" },
  });
}
