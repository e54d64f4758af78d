import { isIP, type LookupFunction } from "node:net";
import { buildConnector } from "undici";
import type { EgressLookup, ResolvedAddress } from "../types.ts";
import { refusedAddress } from "./address-rules.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";

/** The address behind a name, or the literal itself, is not one that functions may reach. */
export class EgressBlockedError extends Error {
  readonly code = "EGRESS_BLOCKED";
  readonly host: string;
  readonly reason: string;
  constructor(host: string, reason: string) {
    super(`${host} is a ${reason} address`);
    this.name = "EgressBlockedError";
    this.host = host;
    this.reason = reason;
  }
}

export interface GuardOptions {
  readonly allowed: AllowedHosts;
  readonly lookup: EgressLookup;
  /** Addresses of this very machine: what listens on them is not meant for functions, public or not. */
  readonly ownAddresses: () => ReadonlySet<string>;
}

/** Decides where a connection may go, at the moment it is made: a name that changes its address is checked again. */
export interface ConnectGuard {
  /** @throws EgressBlockedError when the host is an address that is refused */
  checkLiteral(host: string, port: number): void;
  /** A `lookup` for `net.connect` that only ever yields addresses that may be reached. */
  lookupFor(port: number): LookupFunction;
}

export function createConnectGuard(options: GuardOptions): ConnectGuard {
  function refusal(address: string): string | null {
    return refusedAddress(address) ?? (options.ownAddresses().has(address) ? "local" : null);
  }

  async function resolve(host: string, port: number): Promise<readonly ResolvedAddress[]> {
    const found = await options.lookup(host);
    if (options.allowed.allows(host.toLowerCase(), port)) return found;
    const reachable = found.filter(({ address }) => refusal(address) === null);
    const first = found[0];
    if (reachable.length === 0 && first !== undefined) {
      throw new EgressBlockedError(host, refusal(first.address) ?? "reserved");
    }
    return reachable;
  }

  return {
    checkLiteral(host, port) {
      if (isIP(host) === 0 || options.allowed.allows(host, port)) return;
      const reason = refusal(host);
      if (reason !== null) throw new EgressBlockedError(host, reason);
    },
    lookupFor: (port) => (host, lookupOptions, done) => {
      resolve(host, port).then(
        (addresses) => {
          const [first] = addresses;
          if (first === undefined) {
            done(Object.assign(new Error(`${host} has no address`), { code: "ENOTFOUND" }), []);
          } else if (lookupOptions.all === true) {
            done(null, [...addresses]);
          } else {
            done(null, first.address, first.family);
          }
        },
        (error: NodeJS.ErrnoException) => done(error, []),
      );
    },
  };
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** undici's connector behind the guard; address literals never reach a `lookup`, so they are checked here. */
export function createGuardedConnector(guard: ConnectGuard, timeoutMs: number): buildConnector.connector {
  const build = (port: number): buildConnector.connector =>
    buildConnector({ timeout: timeoutMs, allowH2: false, lookup: guard.lookupFor(port) });
  // A connector keeps TLS sessions: one each for the ports that nearly everything uses.
  const shared = new Map([HTTP_PORT, HTTPS_PORT].map((port) => [port, build(port)]));

  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, "");
    const port = options.port === "" ? (options.protocol === "https:" ? HTTPS_PORT : HTTP_PORT) : Number(options.port);
    try {
      guard.checkLiteral(host, port);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    (shared.get(port) ?? build(port))(options, callback);
  };
}
