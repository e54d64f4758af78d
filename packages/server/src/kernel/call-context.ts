import { AsyncLocalStorage } from "node:async_hooks";

/** Who acts, as the audit log names them. */
export interface Actor {
  /** `account` a person or their key · `project_key` · `function` of a project · `end_user` · `system` the platform itself. */
  readonly kind: "account" | "project_key" | "function" | "end_user" | "anonymous" | "system";
  readonly id: string | null;
  /** Id of the key or session that was used. */
  readonly credentialId?: string | null;
}

/** The request that code runs for: who sent it, from where. Work outside of a request has none. */
export interface CallContext {
  readonly requestId: string;
  readonly ip: string | null;
  /** ISO 3166-1 alpha-2. */
  readonly region: string | null;
  readonly userAgent: string | null;
  /** Set once it is known. */
  actor: Actor;
  /** Actions that were written to the audit log meanwhile. */
  readonly recordedActions: string[];
}

const storage = new AsyncLocalStorage<CallContext>();

export const ANONYMOUS: Actor = { kind: "anonymous", id: null };

/** Runs `work` for a request; everything that it awaits sees the context. */
export function runInCallContext<Result>(context: CallContext, work: () => Result): Result {
  return storage.run(context, work);
}

export function currentCallContext(): CallContext | undefined {
  return storage.getStore();
}
