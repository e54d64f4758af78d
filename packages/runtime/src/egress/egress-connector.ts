import type { buildConnector } from "undici";
import type { EgressLookup } from "../types.ts";
import { createAllowedHosts } from "./allowed-hosts.ts";
import { createConnectGuard, createGuardedConnector } from "./guarded-connect.ts";
import { createOwnAddresses } from "./own-addresses.ts";
import { systemLookup } from "./system-lookup.ts";

export interface EgressGuardOptions {
  readonly platformOrigin: string;
  /** Private `host:port` that may be reached after all. */
  readonly egressAllow?: readonly string[];
  readonly lookup?: EgressLookup;
}

/** An undici connector for addresses that a project's people typed in: it reaches what their functions may reach. */
export function createEgressConnector(options: EgressGuardOptions, timeoutMs: number): buildConnector.connector {
  const guard = createConnectGuard({
    allowed: createAllowedHosts(options.platformOrigin, options.egressAllow ?? []),
    lookup: options.lookup ?? systemLookup,
    ownAddresses: createOwnAddresses(),
  });
  return createGuardedConnector(guard, timeoutMs);
}
