import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDeveloper, type Developer, type Project } from "./harness/developer.ts";
import { type ServerProcess, startServer } from "./harness/server-process.ts";

const WORKER = `
import { transaction } from "@aerostack/sdk";
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/setup") {
      await env.DB.exec("CREATE TABLE items (id INTEGER PRIMARY KEY, stock INTEGER NOT NULL)");
      await env.DB.prepare("INSERT INTO items (id, stock) VALUES (1, 5)").run();
      return new Response("ok");
    }
    if (pathname === "/stock") return Response.json(await env.DB.prepare("SELECT stock FROM items WHERE id = 1").first());
    try {
      const left = await transaction(env.DB, async (tx) => {
        const { stock } = await tx.prepare("SELECT stock FROM items WHERE id = ?").bind(1).first();
        await tx.prepare("UPDATE items SET stock = ? WHERE id = 1").bind(stock - 1).run();
        if (stock === 0) throw new Error("sold out");
        return stock - 1;
      });
      return Response.json({ left });
    } catch (error) {
      return Response.json({ error: error.message }, { status: 409 });
    }
  },
};`;

async function bundle(source: string): Promise<string> {
  const result = await build({
    stdin: { contents: source, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "js" },
    alias: { "@aerostack/sdk": fileURLToPath(new URL("../packages/sdk/src/index.ts", import.meta.url)) },
    bundle: true,
    format: "esm",
    write: false,
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new Error("no output");
  return output.text;
}

describe("a transaction from a function", () => {
  let server: ServerProcess;
  let developer: Developer;
  let project: Project;
  let url: string;

  beforeAll(async () => {
    server = await startServer();
    developer = await createDeveloper(server);
    project = await developer.createProject();
    ({ url } = await developer.deploy(project, { name: "shop", isPublic: true, worker: await bundle(WORKER) }));
    await fetch(`${url}/setup`);
  });
  afterAll(() => server.dispose());

  it("lets twenty buyers at once have five items and no more, and leaves nothing of the refused", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}/buy`)));
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(5);
    const refused = answers.filter((answer) => answer.status === 409);
    expect(await Promise.all(refused.map((answer) => answer.json()))).toEqual(Array(15).fill({ error: "sold out" }));
    expect(await (await fetch(`${url}/stock`)).json()).toEqual({ stock: 0 });
  });
});
