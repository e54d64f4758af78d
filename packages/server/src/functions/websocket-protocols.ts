/** Sub-protocols that speak to the platform: a credential, and the name that its clients accept in the answer. */
const PLATFORM_PROTOCOL = /^aerostack-(?:key\..+|token\..+|v1)$/;
const PREFERRED = "aerostack-v1";

function offeredProtocols(header: string | undefined): string[] {
  return (header ?? "")
    .split(",")
    .map((protocol) => protocol.trim())
    .filter((protocol) => protocol !== "");
}

/** What the function sees of the offer: its own protocols; undefined when there are none. */
export function functionProtocols(header: string | undefined): string | undefined {
  const own = offeredProtocols(header).filter((protocol) => !PLATFORM_PROTOCOL.test(protocol));
  return own.length === 0 ? undefined : own.join(", ");
}

/**
 * The platform's sub-protocol to answer with where the function selects none: a browser that offered protocols fails the
 * connection unless one of them is selected (WHATWG WebSockets, "establish a WebSocket connection").
 */
export function platformProtocol(header: string | undefined): string | undefined {
  const platform = offeredProtocols(header).filter((protocol) => PLATFORM_PROTOCOL.test(protocol));
  return platform.includes(PREFERRED) ? PREFERRED : platform[0];
}
