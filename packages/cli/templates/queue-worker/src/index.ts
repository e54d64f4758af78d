interface Job {
  id: string;
  text: string;
}

interface Env {
  DB: D1Database;
  JOBS: Queue<Job>;
}

const JOB_PATH = /^\/jobs\/([0-9a-f-]{36})$/;

export default {
  async fetch(request, env): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && pathname === "/jobs") return addJob(request, env);
    const id = JOB_PATH.exec(pathname)?.[1];
    if (id === undefined) return Response.json({ endpoints: ["POST /jobs", "GET /jobs/:id"] });
    const job = await env.DB.prepare("SELECT * FROM jobs WHERE id = ?").bind(id).first();
    return job === null ? Response.json({ error: "There is no such job." }, { status: 404 }) : Response.json({ job });
  },

  // A message is delivered at least once: the work of a job must bear being done twice.
  async queue(batch, env): Promise<void> {
    for (const message of batch.messages) {
      try {
        await work(message.body, env);
        message.ack();
      } catch (error) {
        console.error(`Job ${message.body.id} failed in attempt ${message.attempts}:`, error);
        message.retry();
      }
    }
  },
} satisfies ExportedHandler<Env, Job>;

async function addJob(request: Request, env: Env): Promise<Response> {
  const body = await request.json<{ text?: unknown }>().catch(() => null);
  if (typeof body?.text !== "string") return Response.json({ error: "Send JSON with a text." }, { status: 400 });
  const job: Job = { id: crypto.randomUUID(), text: body.text };
  await env.DB.prepare("INSERT INTO jobs (id, text) VALUES (?, ?)").bind(job.id, job.text).run();
  await env.JOBS.send(job);
  return Response.json({ job: { id: job.id, state: "queued" } }, { status: 202 });
}

async function work({ id, text }: Job, env: Env): Promise<void> {
  if (text.includes("fail")) throw new Error("This job asks to fail.");
  const result = [...text].reverse().join("");
  await env.DB.prepare("UPDATE jobs SET state = 'done', result = ? WHERE id = ?").bind(result, id).run();
}
