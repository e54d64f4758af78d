import { Hono } from "hono";

interface Env {
  DB: D1Database;
}

interface Note {
  id: number;
  text: string;
  created_at: string;
}

const app = new Hono<{ Bindings: Env }>();

app.get("/", (c) => c.json({ endpoints: ["GET /notes", "POST /notes", "GET /notes/:id", "DELETE /notes/:id"] }));

app.get("/notes", async (c) => {
  const { results } = await c.env.DB.prepare("SELECT * FROM notes ORDER BY id DESC LIMIT 100").all<Note>();
  return c.json({ notes: results });
});

app.post("/notes", async (c) => {
  const body = await c.req.json<{ text?: unknown }>().catch(() => null);
  if (typeof body?.text !== "string" || body.text.length === 0 || body.text.length > 1000) {
    return c.json({ error: "Send JSON with a text of 1 to 1000 characters." }, 400);
  }
  const note = await c.env.DB.prepare("INSERT INTO notes (text) VALUES (?) RETURNING *").bind(body.text).first<Note>();
  return c.json({ note }, 201);
});

app.get("/notes/:id{[0-9]+}", async (c) => {
  const note = await c.env.DB.prepare("SELECT * FROM notes WHERE id = ?").bind(c.req.param("id")).first<Note>();
  return note === null ? c.json({ error: "There is no such note." }, 404) : c.json({ note });
});

app.delete("/notes/:id{[0-9]+}", async (c) => {
  const { meta } = await c.env.DB.prepare("DELETE FROM notes WHERE id = ?").bind(c.req.param("id")).run();
  return meta.changes === 0 ? c.json({ error: "There is no such note." }, 404) : c.body(null, 204);
});

export default app;
