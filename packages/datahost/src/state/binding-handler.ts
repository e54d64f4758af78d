import type { IncomingMessage, ServerResponse } from "node:http";

/** Whose request it is: looked up by the door from the token that only the runtime's configuration knows. */
export interface BindingGrant {
  readonly projectId: string;
}

/**
 * Answers a request that a binding of workerd sends to its service. `resource` is the name of the namespace, queue or
 * bucket, decided by the configuration and not by the function's code.
 */
export type BindingHandler = (
  grant: BindingGrant,
  resource: string,
  req: IncomingMessage,
  res: ServerResponse,
) => void | Promise<void>;
