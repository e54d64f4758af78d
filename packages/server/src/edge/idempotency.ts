import type { Principal } from "../keys/principal.ts";

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
  once(call: IdempotentCall, work: () => Promise<Response>): Promise<Response>;
}
