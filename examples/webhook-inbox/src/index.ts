import { isSigned } from "./signature.ts";

interface WebhookEvent {
  id: string;
  type: string;
  body: string;
  receivedAt: string;
}

interface Env {
  DB: D1Database;
  INBOX: Queue<WebhookEvent>;
  WEBHOOK_SECRET: string;
}

export default {
  // The sender gets its answer as soon as the event is safe in the queue, whatever its handling takes.
  async fetch(request, env): Promise<Response> {
    if (request.method !== "POST")
      return new Response("Send events by POST.\n", { status: 405, headers: { allow: "POST" } });
    const body = await request.text();
    if (!(await isSigned(body, request.headers.get("x-signature"), env.WEBHOOK_SECRET))) {
      return new Response("The signature is wrong.\n", { status: 401 });
    }
    const id = request.headers.get("x-event-id") ?? crypto.randomUUID();
    const type = request.headers.get("x-event-type") ?? "unknown";
    await env.INBOX.send({ id, type, body, receivedAt: new Date().toISOString() });
    return Response.json({ id }, { status: 202 });
  },

  // Senders repeat events, and a queue delivers at least once: the id makes both harmless.
  async queue(batch, env): Promise<void> {
    const insert = env.DB.prepare("INSERT OR IGNORE INTO events (id, type, body, received_at) VALUES (?, ?, ?, ?)");
    await env.DB.batch(
      batch.messages.map(({ body: { id, type, body, receivedAt } }) => insert.bind(id, type, body, receivedAt)),
    );
    console.log(`Kept ${batch.messages.length} events`);
  },
} satisfies ExportedHandler<Env, WebhookEvent>;
