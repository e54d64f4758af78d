import { networkInterfaces } from "node:os";

const REFRESH_MS = 60_000;

/** The addresses of this machine's network interfaces, looked up at most once a minute. */
export function createOwnAddresses(): () => ReadonlySet<string> {
  let addresses: ReadonlySet<string> = new Set();
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - readAt > REFRESH_MS) {
      readAt = now;
      addresses = new Set(
        Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map((entry) => entry.address)),
      );
    }
    return addresses;
  };
}
