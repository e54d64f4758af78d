import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { AerostackError } from "@aerostack/contracts";
import { afterEach, describe, expect, it } from "vitest";
import { type FrontDoorSettings, NO_SETTINGS } from "../settings/front-door-settings.ts";
import { createFunctionBodies, MAX_INSPECTED_BODY_BYTES } from "./function-bodies.ts";

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

const asking: FrontDoorSettings = {
  ...NO_SETTINGS,
  firewall: { ...NO_SETTINGS.firewall, inspectFunctionBodies: true },
};

/** A server that looks at bodies and then echoes them, as a function's proxy would pipe them on. */
async function serve(settings: FrontDoorSettings) {
  const seen: unknown[] = [];
  const waited: boolean[] = [];
  const inspect = createFunctionBodies({
    settings: { of: () => settings },
    inspectBody({ body }) {
      seen.push(body);
      if (JSON.stringify(body).includes("attack")) throw new AerostackError("WAF_BLOCKED");
    },
  });
  const server = createServer((req, res) => {
    const inspecting = inspect(req, { projectId: "prj_1", requestId: "req-1", ip: "192.0.2.1", region: null });
    waited.push(inspecting !== null);
    Promise.resolve(inspecting).then(
      () => req.pipe(res),
      (error: unknown) => res.writeHead(403).end(String(error)),
    );
  }).listen(0, "127.0.0.1");
  servers.push(server);
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;

  /** @param pieces sent one after another; chunked unless `length` names their length */
  async function send(pieces: readonly string[], contentType = "application/json", length?: number) {
    return await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const headers = { "content-type": contentType, ...(length === undefined ? {} : { "content-length": length }) };
      const sent = request({ port, host: "127.0.0.1", method: "POST", headers, agent: false }, (answer) => {
        let body = "";
        answer.on("data", (chunk) => {
          body += chunk;
        });
        answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
      });
      sent.once("error", reject);
      const next = (index: number): void => {
        const piece = pieces[index];
        if (piece === undefined) sent.end();
        else sent.write(piece, () => setImmediate(next, index + 1));
      };
      next(0);
    });
  }
  return { seen, waited, send };
}

describe("P32 what is sent to a function whose project asks for a look at it", () => {
  it("arrives whole, in one piece or in many, with a length or without", async () => {
    const { seen, send } = await serve(asking);
    const text = JSON.stringify({ note: "O'Brien", list: Array.from({ length: 500 }, (_, n) => n) });
    const pieces = [text.slice(0, 10), text.slice(10, 700), text.slice(700)];
    for (const length of [text.length, undefined]) {
      expect(await send(pieces, "application/json", length)).toEqual({ status: 200, body: text });
      expect(await send([text], "application/json", length)).toEqual({ status: 200, body: text });
    }
    expect(seen).toEqual(Array(4).fill(JSON.parse(text)));
    expect(await send(["a=1&b=O%27Brien"], "application/x-www-form-urlencoded")).toEqual({
      status: 200,
      body: "a=1&b=O%27Brien",
    });
    expect(seen.at(-1)).toEqual({ a: "1", b: "O'Brien" });
    expect(await send(["{ no json"])).toEqual({ status: 200, body: "{ no json" });
    expect(seen.at(-1)).toBe("{ no json");
    expect(await send([])).toEqual({ status: 200, body: "" });
  });

  it("is refused where it is an attack, before the function sees any of it", async () => {
    const { send } = await serve(asking);
    expect((await send([JSON.stringify({ q: "attack" })])).status).toBe(403);
  });

  it("streams through unread where it is large or of another kind, and everywhere else", async () => {
    const asked = await serve(asking);
    const large = JSON.stringify("attack ".repeat(MAX_INSPECTED_BODY_BYTES / 4));
    expect(await asked.send([large])).toEqual({ status: 200, body: large });
    expect(await asked.send([large], "application/json", large.length)).toEqual({ status: 200, body: large });
    expect(await asked.send(["attack"], "text/plain")).toEqual({ status: 200, body: "attack" });
    expect(asked.seen).toEqual([]);
    const others = await serve(NO_SETTINGS);
    expect((await others.send(['"attack"'])).status).toBe(200);
    expect(others.waited).toEqual([false]);
  });
});
