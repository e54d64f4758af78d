import { DurableObject } from "cloudflare:workers";
import { createHash } from "node:crypto";

export class Counter extends DurableObject {
  async next() {
    const value = ((await this.ctx.storage.get("value")) ?? 0) + 1;
    await this.ctx.storage.put("value", value);
    return value;
  }
}

export default {
  async fetch(request, env) {
    const name = new URL(request.url).searchParams.get("name") ?? "stranger";
    const visitor = createHash("sha256").update(name).digest("hex").slice(0, 12);
    await env.VISITS.put(visitor, name);
    await env.DB.exec("CREATE TABLE IF NOT EXISTS guests (name TEXT, at TEXT DEFAULT CURRENT_TIMESTAMP)");
    await env.DB.prepare("INSERT INTO guests (name) VALUES (?)").bind(name).run();
    const count = await env.COUNTER.get(env.COUNTER.idFromName("all")).next();
    return Response.json({ message: `${env.GREETING}, ${name}`, count });
  },

  async scheduled(controller, env) {
    const guests = await env.DB.prepare("SELECT count(*) AS count FROM guests").first("count");
    console.log(`${guests} guests at ${new Date(controller.scheduledTime).toISOString()}`);
  },
};
