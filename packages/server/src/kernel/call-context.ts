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
  /** The project or organisation that the address names, once it is known. */
  place?: { readonly projectId: string | null; readonly organisationId: string | null };
  /** Actions that were written to the audit log meanwhile. */
  readonly recordedActions: string[];
  /** True: the request turned out to change nothing, such as a dry run. */
  changedNothing?: boolean;
}

const storage = new AsyncLocalStorage<CallContext>();

export const ANONYMOUS: Actor = { kind: "anonymous", id: null };
export const SYSTEM: Actor = { kind: "system", id: null };

/** Runs `work` for a request; everything that it awaits sees the context. */
export function runInCallContext<Result>(context: CallContext, work: () => Result): Result {
  return storage.run(context, work);
}

export function currentCallContext(): CallContext | undefined {
  return storage.getStore();
}

/** What the platform does of itself while it serves a request is nobody's doing but its own. */
export function runAsSystem<Result>(work: () => Result): Result {
  const context = storage.getStore();
  return context === undefined ? work() : storage.run({ ...context, actor: SYSTEM, recordedActions: [] }, work);
}

/** Says that the request that runs changes nothing, so that the audit log does not say it did. */
export function noteNothingChanged(): void {
  const context = storage.getStore();
  if (context !== undefined) context.changedNothing = true;
}

/** From here on the request acts for an account that it made, or that it proved to be. */
export function actAs(accountId: string): void {
  const context = storage.getStore();
  if (context !== undefined) context.actor = { kind: "account", id: accountId };
}
