import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the double saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  json(): unknown;
  form(): Promise<FormData>;
}

export type Answer =
  | { readonly status?: number; readonly json: unknown; readonly headers?: Record<string, string> }
  | { readonly status?: number; readonly body: string | Uint8Array; readonly headers?: Record<string, string> }
  | { readonly stream: (write: (text: string) => void) => void; readonly headers?: Record<string, string> };
export type Handler = (request: SeenRequest, parameters: readonly string[]) => Answer | Promise<Answer>;

export interface ServerDouble {
  readonly url: string;
  readonly requests: readonly SeenRequest[];
  /** `on("GET /api/v1/projects/*", …)`: a star stands for one segment. Later ones win. */
  on(route: string, answer: Answer | Handler): void;
  close(): Promise<void>;
}

/** A server that answers what a test tells it to, over real HTTP, and keeps what it was sent. */
export async function startServerDouble(): Promise<ServerDouble> {
  const routes: { method: string; pattern: RegExp; handler: Handler }[] = [];
  const requests: SeenRequest[] = [];

  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const url = new URL(incoming.url ?? "/", "http://double");
      const body = Buffer.concat(chunks);
      const request: SeenRequest = {
        method: incoming.method ?? "",
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        headers: incoming.headers,
        body,
        json: () => JSON.parse(body.toString("utf8")),
        form: () =>
          new Response(new Uint8Array(body), {
            headers: { "content-type": incoming.headers["content-type"] ?? "" },
          }).formData(),
      };
      requests.push(request);
      void respond(request).then((answer) => {
        if ("stream" in answer) {
          outgoing.writeHead(200, answer.headers);
          answer.stream((text) => outgoing.write(text));
          return;
        }
        const content = "json" in answer ? JSON.stringify(answer.json) : answer.body;
        outgoing.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
        outgoing.end(content);
      });
    });
  });

  async function respond(request: SeenRequest): Promise<Answer> {
    for (const { method, pattern, handler } of routes.toReversed()) {
      const match = method === request.method ? pattern.exec(request.path) : null;
      if (match !== null) return handler(request, match.slice(1).map(decodeURIComponent));
    }
    return failure(404, "NOT_FOUND", "There is nothing at this address.");
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    on(route, answer) {
      const [method = "", path = ""] = route.split(" ");
      const source = path
        .split("*")
        .map((part) => part.replaceAll(/[.?+()]/g, "\\$&"))
        .join("([^/]+)");
      const handler = typeof answer === "function" ? answer : () => answer;
      routes.push({ method, pattern: new RegExp(`^${source}$`), handler });
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An error as the management API answers it. */
export function failure(status: number, code: string, message: string, fix = "Do something else."): Answer {
  return { status, json: { error: { code, message, fix, requestId: "req_1" } } };
}
