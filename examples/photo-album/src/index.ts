interface Env {
  PHOTOS: R2Bucket;
}

const TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"];
const MAX_BYTES = 10 * 1024 * 1024;

export default {
  async fetch(request, env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/photos" && request.method === "GET") return list(env);
    if (pathname === "/photos" && request.method === "POST") return upload(request, env);
    const key = /^\/photos\/([0-9a-f-]{36})$/.exec(pathname)?.[1];
    if (key !== undefined && request.method === "GET") return show(key, request, env);
    return new Response("There is nothing here.\n", { status: 404 });
  },
} satisfies ExportedHandler<Env>;

async function list(env: Env): Promise<Response> {
  const { objects } = await env.PHOTOS.list({ limit: 100 });
  return Response.json({ photos: objects.map(({ key, size, uploaded }) => ({ key, size, uploaded })) });
}

async function upload(request: Request, env: Env): Promise<Response> {
  const type = request.headers.get("content-type") ?? "";
  if (!TYPES.includes(type)) return Response.json({ error: `Send one of ${TYPES.join(", ")}.` }, { status: 415 });
  const photo = await request.arrayBuffer();
  if (photo.byteLength === 0 || photo.byteLength > MAX_BYTES) {
    return Response.json({ error: "A photo has at most 10 MB." }, { status: 413 });
  }
  const key = crypto.randomUUID();
  await env.PHOTOS.put(key, photo, { httpMetadata: { contentType: type } });
  return Response.json({ key }, { status: 201 });
}

/** Conditional requests and ranges are the bucket's to answer. */
async function show(key: string, request: Request, env: Env): Promise<Response> {
  const photo = await env.PHOTOS.get(key, { onlyIf: request.headers, range: request.headers });
  if (photo === null) return new Response("There is no such photo.\n", { status: 404 });
  const headers = new Headers({ etag: photo.httpEtag, "cache-control": "public, max-age=31536000, immutable" });
  photo.writeHttpMetadata(headers);
  if (!("body" in photo)) return new Response(null, { status: 304, headers });
  const range = photo.range as { offset: number; length: number } | undefined;
  if (range === undefined || !request.headers.has("range")) return new Response(photo.body, { headers });
  headers.set("content-range", `bytes ${range.offset}-${range.offset + range.length - 1}/${photo.size}`);
  return new Response(photo.body, { status: 206, headers });
}
