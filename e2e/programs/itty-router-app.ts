import { expect } from "vitest";
import { postJson, type ThirdPartyProgram } from "./third-party-program.ts";

export const ittyRouterApp: ThirdPartyProgram = {
  name: "itty-router-app",
  guarantees: {
    async "itty-router stores and reads through KV"(call) {
      const made = await call("/todos", postJson({ title: "Milk" }));
      expect(made.status).toBe(201);
      const todo = (await made.json()) as { id: string; title: string };
      expect(todo.title).toBe("Milk");
      expect(await (await call(`/todos/${todo.id}`)).json()).toEqual(todo);
      const absent = await call("/todos/none");
      expect([absent.status, await absent.json()]).toEqual([404, { status: 404, error: "no todo none" }]);
    },
    async "itty-router reads parameters, greedy paths and queries"(call) {
      expect(await (await call("/search/book?tag=a&tag=b&q=x%20y")).json()).toEqual({
        params: { kind: "book" },
        query: { tag: ["a", "b"], q: "x y" },
      });
      expect(await (await call("/files/a/b%20c/d.txt")).json()).toEqual({ path: "a/b%20c/d.txt" });
    },
    async "itty-router's errors, hooks and preflights arrive as it wrote them"(call) {
      const taken = await call("/throw");
      expect([taken.status, taken.headers.get("x-router")]).toEqual([409, "itty"]);
      const failed = await call("/fail");
      expect([failed.status, await failed.json()]).toEqual([500, { status: 500, message: "broken" }]);
      const preflight = await call("/todos", { method: "OPTIONS", headers: { origin: "https://shop.example" } });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-origin")).toBe("https://shop.example");
      expect((await call("/nowhere")).status).toBe(404);
    },
  },
};
