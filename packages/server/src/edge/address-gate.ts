import type { IncomingMessage } from "node:http";
import { AerostackError, type NetworkRules } from "@aerostack/contracts";
import { hasNetworkRules, lets } from "../front-door/network/network-rules.ts";
import { type FrontDoorSettingsService, INSTALLATION } from "../front-door/settings/service.ts";
import { isLoopbackHost } from "../kernel/config.ts";
import type { RateVerdict } from "../kernel/limiter/rate-window.ts";
import { asRefusal } from "./as-refusal.ts";
import type { RequestAreaReader } from "./request-area.ts";

export interface AddressGateOptions {
  readonly settings: Pick<FrontDoorSettingsService, "of" | "someMay">;
  readonly areaOf: RequestAreaReader;
  readonly callerOf: (req: IncomingMessage) => { readonly ip: string; readonly region: string | null };
  /** Counts a request of an address to a project, or to the installation. */
  readonly countAddress: (projectId: string, ip: string, limit: number) => RateVerdict;
  readonly now: () => number;
}

/**
 * Lets in whom the lists of the installation and of the project allow. Null where nobody has any, which costs a look at a
 * flag; else a promise of the error that refuses the request, or of nothing.
 */
export type AddressGate = (req: IncomingMessage) => Promise<AerostackError | null> | null;

export function createAddressGate(options: AddressGateOptions): AddressGate {
  const { settings } = options;
  const someHaveRules = settings.someMay(({ network }) => hasNetworkRules(network));

  function refusal(
    owner: string,
    rules: NetworkRules,
    caller: { readonly ip: string; readonly region: string | null },
  ): AerostackError | null {
    if (!lets(rules, caller)) return new AerostackError("ADDRESS_REFUSED");
    const limit = rules.requestsPerMinutePerAddress;
    if (limit === null) return null;
    const verdict = options.countAddress(owner, caller.ip, limit);
    if (verdict.allowed) return null;
    return new AerostackError("RATE_LIMIT_EXCEEDED", {
      message: `At most ${limit} requests a minute are taken from one address.`,
      retryAfterSeconds: Math.max(1, Math.ceil(verdict.resetUnixSeconds - options.now() / 1000)),
    });
  }

  async function check(req: IncomingMessage): Promise<AerostackError | null> {
    const caller = options.callerOf(req);
    // This machine itself: probes, and functions that call the platform back.
    if (isLoopbackHost(caller.ip)) return null;
    const own = refusal(INSTALLATION, (await settings.of(INSTALLATION)).network, caller);
    if (own !== null) return own;
    const { projectId } = await options.areaOf(req);
    if (projectId === null) return null;
    return refusal(projectId, (await settings.of(projectId)).network, caller);
  }

  return (req) => {
    if (!someHaveRules()) return null;
    return check(req).catch(asRefusal);
  };
}
