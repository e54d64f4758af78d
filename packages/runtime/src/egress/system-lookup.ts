import { lookup } from "node:dns/promises";
import type { ResolvedAddress } from "../types.ts";

/** Every address that the system's resolver knows of a name, in its order. */
export async function systemLookup(hostname: string): Promise<readonly ResolvedAddress[]> {
  return await lookup(hostname, { all: true, order: "verbatim" });
}
