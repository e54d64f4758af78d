interface Env {
  DB: D1Database;
  CACHE: KVNamespace;
}

const CACHE_SECONDS = 3600;
const SLUG_BYTES = 5;

export default {
  async fetch(request, env, context): Promise<Response> {
    const slug = new URL(request.url).pathname.slice(1);
    if (request.method === "POST" && slug === "") return shorten(request, env);
    if (slug === "") return listLinks(env);

    const target = (await env.CACHE.get(slug)) ?? (await lookUp(slug, env));
    if (target === null) return new Response("There is no such link.\n", { status: 404 });
    // The visitor does not wait for the count.
    context.waitUntil(
      Promise.all([
        env.CACHE.put(slug, target, { expirationTtl: CACHE_SECONDS }),
        env.DB.prepare("UPDATE links SET visits = visits + 1 WHERE slug = ?").bind(slug).run(),
      ]),
    );
    return Response.redirect(target, 302);
  },
} satisfies ExportedHandler<Env>;

async function shorten(request: Request, env: Env): Promise<Response> {
  const { url } = await request.json<{ url?: unknown }>().catch(() => ({ url: undefined }));
  if (typeof url !== "string" || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    return Response.json({ error: "Send JSON with an http or https url." }, { status: 400 });
  }
  const slug = randomSlug();
  await env.DB.prepare("INSERT INTO links (slug, target) VALUES (?, ?)").bind(slug, url).run();
  return Response.json({ slug, target: url }, { status: 201 });
}

function lookUp(slug: string, env: Env): Promise<string | null> {
  return env.DB.prepare("SELECT target FROM links WHERE slug = ?").bind(slug).first<string>("target");
}

async function listLinks(env: Env): Promise<Response> {
  const { results } = await env.DB.prepare("SELECT * FROM links ORDER BY visits DESC LIMIT 100").all();
  return Response.json({ links: results });
}

function randomSlug(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SLUG_BYTES));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
