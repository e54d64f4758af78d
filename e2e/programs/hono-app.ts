import { expect } from "vitest";
import { pollUntil } from "../harness/poll-until.ts";
import { postJson, type ThirdPartyProgram } from "./third-party-program.ts";

export const honoApp: ThirdPartyProgram = {
  name: "hono-app",
  config: { vars: { GREETING: "Hello" } },
  guarantees: {
    async "Hono routes, runs its middleware and reads variables"(call) {
      const answer = await call("/", { headers: { "x-app-request-id": "mine-1" } });
      expect(await answer.text()).toBe("Hello from Hono");
      expect(answer.headers.get("x-app-request-id")).toBe("mine-1");
      expect(answer.headers.get("x-frame-options")).toBe("SAMEORIGIN");
      expect(answer.headers.get("server-timing")).toContain("total;dur=");
      expect(await (await call("/nowhere")).json()).toEqual({ missing: "/nowhere" });
    },
    async "Hono validates, writes to D1 and reads what waitUntil put into KV"(call) {
      const refused = await call("/api/items", postJson({ name: "x", price: -1 }));
      expect(refused.status).toBe(400);
      const { issues } = (await refused.json()) as { issues: { path: string[] }[] };
      expect(issues.map((issue) => issue.path[0])).toEqual(["name", "price"]);
      const made = await call("/api/items", postJson({ name: "lamp", price: 12.5 }));
      expect(made.status).toBe(201);
      const item = (await made.json()) as { id: number };
      expect(item).toMatchObject({ name: "lamp", price: 12.5 });
      expect(await (await call(`/api/items/${item.id}`)).json()).toEqual(item);
      const cached = await pollUntil("the cached item", async () => {
        const found: unknown = await (await call(`/api/cached/${item.id}`)).json();
        return found ?? undefined;
      });
      expect(cached).toEqual(item);
    },
    async "Hono answers preflights, guards and refuses"(call) {
      const preflight = await call("/api/items", {
        method: "OPTIONS",
        headers: { origin: "https://shop.example", "access-control-request-method": "POST" },
      });
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-origin")).toBe("https://shop.example");
      expect((await call("/admin/who")).status).toBe(401);
      const admin = await call("/admin/who", { headers: { authorization: "Bearer let-me-in" } });
      expect(await admin.json()).toEqual({ who: "admin" });
      const teapot = await call("/teapot");
      expect([teapot.status, await teapot.text()]).toEqual([418, "short and stout"]);
      const boom = await call("/boom");
      expect([boom.status, await boom.json()]).toEqual([500, { error: "handled", message: "secret detail" }]);
    },
    async "Hono escapes HTML, sets several cookies, answers 304 for an etag"(call) {
      const page = await call("/page");
      expect(await page.text()).toBe("<!doctype html><h1>&lt;Shop&gt;</h1>");
      const again = await call("/page", { headers: { "if-none-match": page.headers.get("etag") ?? "" } });
      expect([again.status, await again.text()]).toEqual([304, ""]);
      const cookies = await call("/cookie", { headers: { cookie: "visits=4" } });
      expect(await cookies.text()).toBe("4");
      // Below the API's host a function's cookies are of its own address.
      expect(cookies.headers.getSetCookie()).toEqual([
        expect.stringMatching(/^visits=5; HttpOnly; Path=\/f\/[\w-]+\/hono-app$/),
        expect.stringMatching(/^theme=dark; Path=\/f\/[\w-]+\/hono-app$/),
      ]);
    },
    async "Hono streams text and server-sent events, and keeps an uploaded file in R2"(call) {
      expect(await (await call("/stream")).text()).toBe("one\ntwo\nthree\n");
      const events = await call("/events");
      expect(events.headers.get("content-type")).toBe("text/event-stream");
      expect(await events.text()).toBe([0, 1, 2].map((id) => `event: tick\ndata: tick ${id}\nid: ${id}\n\n`).join(""));
      const form = new FormData();
      form.set("note", "för you");
      form.set("file", new Blob(["a,b\n1,2\n"], { type: "text/csv" }), "table.csv");
      expect(await (await call("/upload/table.csv", { method: "POST", body: form })).json()).toEqual({
        key: "table.csv",
        size: 8,
        type: "text/csv",
        note: "för you",
      });
      const stored = await call("/upload/table.csv");
      expect([stored.headers.get("content-type"), await stored.text()]).toEqual(["text/csv", "a,b\n1,2\n"]);
    },
  },
};
