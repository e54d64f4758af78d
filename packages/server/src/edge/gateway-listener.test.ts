import { IncomingMessage, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { Caller } from "../functions/call-handler.ts";
import { openCountryLookup } from "../kernel/geo/open-country-lookup.ts";
import { createClientAddressReader, createProxyCheck } from "./client-address.ts";
import { createGatewayListener } from "./gateway-listener.ts";

/** Who the gateway takes the sender of a call for. */
function callerOf(
  trustProxy: readonly string[] | undefined,
  peer: string,
  headers: Record<string, string>,
  countryHeader: string | undefined = "cf-ipcountry",
): Caller {
  const seen: Caller[] = [];
  const listener = createGatewayListener({
    functionsDomain: "localhost",
    domains: { route: () => null },
    calls: { handle: (_req, _res, _address, caller) => void seen.push(caller) },
    handleUpgrade: () => {},
    handleStorage: () => false,
    handleDataPlane: () => false,
    handleRealtime: () => false,
    clientAddress: createClientAddressReader(trustProxy),
    isTrustedProxy: createProxyCheck(trustProxy),
    countryHeader,
    countryOf: openCountryLookup({
      table: "built-in",
      onError(error) {
        throw error;
      },
    }),
    resolveFunction: () => null,
    resolvePrincipal: () => null,
  });
  const socket = new Socket();
  Object.defineProperty(socket, "remoteAddress", { value: peer });
  const req = new IncomingMessage(socket);
  Object.assign(req, { url: "/f/shop/hello", method: "GET", headers });
  void listener.onRequest(req, new ServerResponse(req));
  const [caller] = seen;
  if (caller === undefined) throw new Error("the call was not taken");
  return caller;
}

describe("P2 the region of a caller", () => {
  const PROXY = ["10.0.0.0/8"];

  it("comes from the local table where no proxy is trusted, whatever headers say", () => {
    expect(callerOf(undefined, "193.0.6.139", { "cf-ipcountry": "FR" }).region).toBe("NL");
    expect(callerOf(undefined, "::ffff:193.0.6.139", {}).region).toBe("NL");
    expect(callerOf(undefined, "127.0.0.1", { "cf-ipcountry": "FR" }).region).toBeNull();
    expect(callerOf(PROXY, "193.0.6.139", { "cf-ipcountry": "FR" }).region).toBe("NL");
  });

  it("is what the trusted proxy says, in the one header that it is known to write", () => {
    const headers = { "x-forwarded-for": "193.0.6.139", "cf-ipcountry": "fr" };
    expect(callerOf(PROXY, "10.0.0.1", headers)).toMatchObject({ ip: "193.0.6.139", region: "FR" });
    // What it is not known to write itself may be the client's own.
    const passedOn = { "x-forwarded-for": "193.0.6.139", "x-country-code": "BE", "cloudfront-viewer-country": "BE" };
    expect(callerOf(PROXY, "10.0.0.1", passedOn).region).toBe("NL");
    expect(callerOf(PROXY, "10.0.0.1", passedOn, "x-country-code").region).toBe("BE");
  });

  it.each(["XX", "T1", "", "<script>"])(
    "is looked up when the trusted proxy says '%s', which is no country",
    (said) => {
      const headers = { "x-forwarded-for": "193.0.6.139", "cf-ipcountry": said };
      expect(callerOf(PROXY, "10.0.0.1", headers).region).toBe("NL");
      expect(callerOf(PROXY, "10.0.0.1", { "cf-ipcountry": said }).region).toBeNull();
    },
  );

  it("is looked up where no header was declared, trusted proxy or not", () => {
    const headers = { "x-forwarded-for": "193.0.6.139", "cf-ipcountry": "FR", "x-vercel-ip-country": "FR" };
    const socketOf = (peer: string) => callerOf(PROXY, peer, headers, "x-none").region;
    expect(socketOf("10.0.0.1")).toBe("NL");
  });
});
