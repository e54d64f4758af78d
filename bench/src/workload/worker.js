// The one Worker that every contestant runs, unmodified: the platform, Miniflare and a bare workerd.
const KV_KEYS = 100;
const ITEMS = 1000;

/** The id that the caller names, so that contestants can be compared; else any, so that no single row stays hot. */
function wantedId(url, count) {
  return Number(url.searchParams.get("id") ?? 1 + Math.floor(Math.random() * count));
}

async function fillKeys(namespace) {
  const ids = Array.from({ length: KV_KEYS }, (_, index) => index + 1);
  await Promise.all(ids.map((id) => namespace.put(`key-${id}`, `value ${id} ${"x".repeat(200)}`)));
}

/** Whoever prepares a run is told why it does not work. */
async function seed(work) {
  try {
    await work();
    return new Response("seeded");
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/hello":
        return new Response("hello");
      case "/kv-read":
        return new Response(await env.CACHE.get(`key-${wantedId(url, KV_KEYS)}`));
      case "/d1-read": {
        const statement = env.DB.prepare("SELECT id, name, price FROM items WHERE id = ?");
        return Response.json(await statement.bind(wantedId(url, ITEMS)).first());
      }
      case "/d1-write": {
        const statement = env.DB.prepare("INSERT INTO events (item_id, note) VALUES (?, ?)");
        const { meta } = await statement.bind(wantedId(url, ITEMS), "a row that somebody wrote").run();
        return Response.json({ changes: meta.changes });
      }
      case "/seed-kv":
        return await seed(() => fillKeys(env.CACHE));
      case "/seed-db":
        return await seed(async () => await env.DB.exec(await request.text()));
      default:
        return new Response("not found", { status: 404 });
    }
  },
};
