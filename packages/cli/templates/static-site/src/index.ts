interface Env {
  ASSETS: Fetcher;
  CACHE: KVNamespace;
}

export default {
  async fetch(request, env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/api/visits" && request.method === "POST") return countVisit(env);
    if (pathname.startsWith("/api/")) return Response.json({ error: "There is nothing here." }, { status: 404 });
    return env.ASSETS.fetch(request);
  },
} satisfies ExportedHandler<Env>;

// Two visits at the same moment may count as one: a key-value store has no counters. Use the database where it matters.
async function countVisit(env: Env): Promise<Response> {
  const visits = Number((await env.CACHE.get("visits")) ?? 0) + 1;
  await env.CACHE.put("visits", String(visits));
  return Response.json({ visits });
}
