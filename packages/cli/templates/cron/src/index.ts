interface Env {
  DB: D1Database;
}

const EVERY_NIGHT = "0 3 * * *";
const KEPT_DAYS = 30;

export default {
  async scheduled(controller, env): Promise<void> {
    const scheduledAt = new Date(controller.scheduledTime).toISOString();
    // The key makes a run that is delivered twice count once.
    await env.DB.prepare("INSERT OR IGNORE INTO runs (cron, scheduled_at) VALUES (?, ?)")
      .bind(controller.cron, scheduledAt)
      .run();
    console.log(`Ran ${controller.cron}, scheduled for ${scheduledAt}`);
    if (controller.cron === EVERY_NIGHT) await forgetOldRuns(env);
  },

  async fetch(_request, env): Promise<Response> {
    const { results } = await env.DB.prepare("SELECT * FROM runs ORDER BY scheduled_at DESC LIMIT 50").all();
    return Response.json({ runs: results });
  },
} satisfies ExportedHandler<Env>;

async function forgetOldRuns(env: Env): Promise<void> {
  const before = new Date(Date.now() - KEPT_DAYS * 86_400_000).toISOString();
  const { meta } = await env.DB.prepare("DELETE FROM runs WHERE scheduled_at < ?").bind(before).run();
  console.log(`Forgot ${meta.changes} old runs`);
}
