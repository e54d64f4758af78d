import type { Prices } from "./prices.ts";

interface Env {
  PRICES: Service<typeof Prices>;
}

export default {
  async fetch(request, env): Promise<Response> {
    const { searchParams } = new URL(request.url);
    const item = searchParams.get("item") ?? "apple";
    const count = Math.max(1, Math.trunc(Number(searchParams.get("count") ?? 1)) || 1);
    const quote = await env.PRICES.quote(item, count);
    if (quote === null) return Response.json({ error: `There is no price for ${item}.` }, { status: 404 });
    return Response.json({ item, count, totalInCents: quote.totalInCents });
  },
} satisfies ExportedHandler<Env>;
