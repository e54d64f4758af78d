import { createServer } from "node:http";
import type { Config } from "../kernel/config.ts";
import type { Lifecycle } from "../kernel/lifecycle.ts";
import type { Metrics } from "../kernel/metrics.ts";
import { StartError } from "../kernel/start-error.ts";
import { defineRoute, type Route } from "./define-route.ts";

/** `/metrics` on the main port: for admins, with their key or log-in. */
export function metricsRoutes(metrics: Metrics): readonly Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/metrics",
      summary: "Read the server's metrics",
      description: "In Prometheus' text format. Counting begins with the first read.",
      tag: "Operation",
      auth: "admin",
      response: { status: 200, contentType: "text/plain" },
      handler: async () => {
        const { contentType, text } = await metrics.render();
        return new Response(text, { headers: { "content-type": contentType } });
      },
    }),
  ];
}

/** `/metrics` on a port of its own, where the settings name one: whoever reaches the port may read. */
export async function openMetricsPort(
  { host, metricsPort }: Pick<Config, "host" | "metricsPort">,
  metrics: Metrics,
  lifecycle: Lifecycle,
): Promise<number | undefined> {
  if (metricsPort === undefined) return undefined;
  await metrics.activate();
  const server = createServer((req, res) => {
    if (req.url !== "/metrics" || req.method !== "GET") {
      res.writeHead(404).end();
      return;
    }
    metrics.render().then(
      ({ contentType, text }) => res.writeHead(200, { "content-type": contentType }).end(text),
      () => res.writeHead(500).end(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(
        new StartError(`AEROSTACK_METRICS_PORT: port ${metricsPort} cannot be opened: ${cause.message}`, { cause }),
      );
    });
    server.listen(metricsPort, host, resolve);
  });
  lifecycle.onClose("metrics port", () => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" ? address?.port : undefined;
}
