import { WorkerEntrypoint } from "cloudflare:workers";

const PRICES_IN_CENTS: Readonly<Record<string, number>> = { apple: 50, pear: 70 };

/** Its methods are what other functions of the project call. */
export class Prices extends WorkerEntrypoint {
  quote(item: string, count: number): { totalInCents: number } | null {
    const price = PRICES_IN_CENTS[item];
    return price === undefined ? null : { totalInCents: price * count };
  }
}

export default {
  fetch: () => new Response("Prices are for other functions.\n", { status: 404 }),
} satisfies ExportedHandler;
